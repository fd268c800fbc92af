"""Talks to a running ComfyUI with the standard library only: queue, follow, cancel, fetch results."""

import base64
import json
import os
import socket
import struct
import time
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass, field


@dataclass
class Run:
    """How one prompt went."""

    status: str  # success, error, interrupted or refused
    error: str = ""
    outputs: dict = field(default_factory=dict)
    previews: list = field(default_factory=list)
    progress: list = field(default_factory=list)

    def text(self, node: str) -> str:
        return self.outputs[node]["text"][0]


class Client:
    def __init__(self, port, log):
        self.host, self.port, self.log = "127.0.0.1", port, log

    def request(self, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            f"http://{self.host}:{self.port}{path}", data=data, headers={"Content-Type": "application/json"}
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as problem:
            return problem.code, problem.read()

    def json(self, path, body=None):
        return json.loads(self.request(path, body)[1])

    def alive(self):
        return self.request("/system_stats")[0] == 200

    def view(self, entry):
        keys = {key: entry.get(key, "") for key in ("filename", "subfolder", "type")}
        status, data = self.request("/view?" + urllib.parse.urlencode(keys))
        assert status == 200
        return data

    def run(self, prompt, *, cancel_after_previews=None, preview_method=None, timeout=600):
        """Queue a prompt in API format and wait for its end."""
        with WebSocket(self.host, self.port, "/ws?clientId=tests") as events:
            events.send_text(json.dumps({"type": "feature_flags", "data": {"supports_preview_metadata": True}}))
            body = {"prompt": prompt, "client_id": "tests"}
            if preview_method is not None:
                body["extra_data"] = {"preview_method": preview_method}
            status, answer = self.request("/prompt", body)
            answer = json.loads(answer)
            if status != 200 or answer.get("node_errors"):  # 200 when only one branch of the graph is wrong
                return Run("refused", json.dumps(answer))
            prompt_id, run = answer["prompt_id"], Run("")
            deadline = time.monotonic() + timeout
            while not run.status:
                assert time.monotonic() < deadline, "the prompt did not end in time"
                self._follow(events.receive(), prompt_id, run)
                if cancel_after_previews is not None and len(run.previews) >= cancel_after_previews:
                    self.request("/interrupt", {"prompt_id": prompt_id})
                    cancel_after_previews = None
        time.sleep(0.1)
        run.outputs = self.json("/history/" + prompt_id).get(prompt_id, {}).get("outputs", {})
        return run

    @staticmethod
    def _follow(message, prompt_id, run):
        if isinstance(message, bytes):
            run.previews.append(message)
            return
        event = json.loads(message)
        kind, data = event["type"], event.get("data", {})
        if data.get("prompt_id") not in (None, prompt_id):
            return
        if kind == "progress":
            run.progress.append((data.get("node"), data["value"], data["max"]))
        elif kind == "execution_success":
            run.status = "success"
        elif kind == "execution_interrupted":
            run.status = "interrupted"
        elif kind == "execution_error":
            run.status, run.error = "error", f"{data['exception_type']}: {data['exception_message']}"


class WebSocket:
    """The receiving side of RFC 6455, as far as ComfyUI uses it."""

    def __init__(self, host, port, path):
        self.socket = socket.create_connection((host, port), timeout=600)
        key = base64.b64encode(os.urandom(16)).decode()
        self.socket.sendall(
            f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        self.buffer = b""
        while b"\r\n\r\n" not in self.buffer:
            self.buffer += self.socket.recv(4096)
        head, self.buffer = self.buffer.split(b"\r\n\r\n", 1)
        assert b" 101 " in head.split(b"\r\n")[0], head

    def __enter__(self):
        return self

    def __exit__(self, *problem):
        self.socket.close()

    def _take(self, count):
        while len(self.buffer) < count:
            data = self.socket.recv(65536)
            assert data, "the server closed the connection"
            self.buffer += data
        taken, self.buffer = self.buffer[:count], self.buffer[count:]
        return taken

    def _send(self, opcode, payload):
        mask = os.urandom(4)
        size = len(payload)
        head = struct.pack("!BB", 0x80 | opcode, 0x80 | (size if size < 126 else 126))
        head += b"" if size < 126 else struct.pack("!H", size)
        self.socket.sendall(head + mask + bytes(b ^ mask[i % 4] for i, b in enumerate(payload)))

    def send_text(self, text):
        self._send(1, text.encode())

    def receive(self):
        """Next message: str for text, bytes for binary."""
        parts, kind = [], None
        while True:
            first, second = self._take(2)
            size = second & 0x7F
            if size == 126:
                (size,) = struct.unpack("!H", self._take(2))
            elif size == 127:
                (size,) = struct.unpack("!Q", self._take(8))
            data, opcode = self._take(size), first & 0x0F
            if opcode == 9:
                self._send(10, data)
                continue
            assert opcode != 8, "the server closed the connection"
            kind = kind or opcode
            parts.append(data)
            if first & 0x80:
                message = b"".join(parts)
                return message.decode() if kind == 1 else message
