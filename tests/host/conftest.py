"""A real ComfyUI for the tests: started once, on this machine only, with this pack and a node that makes prompts.

Set COMFYUI_DIR to a ComfyUI checkout and COMFYUI_PYTHON to the Python that runs it; or put the pack into
ComfyUI/custom_nodes and run pytest with ComfyUI's Python.  Without either the tests here are skipped.
COMFYUI_FRONT_END may name another front end than ComfyUI's own: a folder with its index.html.
"""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from tiny_files import write_all

from comfy_client import Client

ROOT = Path(__file__).parents[2]
NOT_FOUND = "no ComfyUI: set COMFYUI_DIR=/path/to/ComfyUI and COMFYUI_PYTHON=/path/to/its/python to run the host tests"


def find_host():
    """(folder of ComfyUI, its Python) or None."""
    if os.environ.get("COMFYUI_DIR"):
        return Path(os.environ["COMFYUI_DIR"]).resolve(), os.environ.get("COMFYUI_PYTHON", sys.executable)
    if ROOT.parent.name == "custom_nodes" and (ROOT.parents[1] / "main.py").exists():
        return ROOT.parents[1], os.environ.get("COMFYUI_PYTHON", sys.executable)
    return None


def pytest_collection_modifyitems(items):
    if find_host() is None:
        for item in items:
            if Path(__file__).parent in item.path.parents:
                item.add_marker(pytest.mark.skip(reason=NOT_FOUND))


@pytest.fixture(scope="session")
def comfy_location():
    return find_host()


@pytest.fixture(scope="session")
def base(tmp_path_factory):
    """A private ComfyUI base folder with the pack linked in and a second model folder in the yaml."""
    base = tmp_path_factory.mktemp("comfy")
    for name in ("custom_nodes", "input", "output", "temp", "user", "models/checkpoints", "elsewhere"):
        (base / name).mkdir(parents=True)
    target = base / "custom_nodes" / "ComfyUI-SDEdit"
    try:
        target.symlink_to(ROOT, target_is_directory=True)
    except OSError:
        shutil.copytree(ROOT, target, ignore=shutil.ignore_patterns(".git", ".venv", "__pycache__", "node_modules"))
    shutil.copy(Path(__file__).parent / "inside" / "random_prompt.py", base / "custom_nodes")
    write_all(base / "elsewhere")
    (base / "elsewhere" / "my_model.pth").write_bytes(b"not a checkpoint")
    (base / "elsewhere" / "diffusers_folder").mkdir()
    (base / "elsewhere" / "diffusers_folder" / "config.json").write_text("{}")
    (base / "elsewhere" / "diffusers_folder" / "diffusion_pytorch_model.safetensors").write_bytes(b"")
    link = base / "models" / "score_models" / "linked.safetensors"
    link.parent.mkdir()
    try:
        link.symlink_to(base / "elsewhere" / "tiny_ve.safetensors")
    except OSError:
        shutil.copy(base / "elsewhere" / "tiny_ve.safetensors", link)
    (base / "elsewhere" / "readme.txt").write_text("must not be listed")
    (base / "paths.yaml").write_text(f"tests:\n    base_path: {base.as_posix()}\n    score_models: elsewhere\n")
    return base


@pytest.fixture(scope="session")
def checkpoint(base, comfy_location):
    """Name of a tiny Stable Diffusion checkpoint for Load Checkpoint."""
    folder, python = comfy_location
    target = base / "models" / "checkpoints" / "tiny_sd.safetensors"
    script = Path(__file__).parent / "inside" / "write_checkpoint.py"
    done = subprocess.run([python, str(script), str(target)], cwd=folder, capture_output=True, text=True)
    assert target.exists(), done.stderr[-3000:]
    return target.name


@pytest.fixture(scope="session")
def tiny_models(base, comfy_location, checkpoint):
    """Tiny LoRA, ControlNet, inpainting and SD3-type files beside the checkpoint, see inside/write_models.py."""
    folder, python = comfy_location
    script = Path(__file__).parent / "inside" / "write_models.py"
    done = subprocess.run([python, str(script), str(base / "models")], cwd=folder, capture_output=True, text=True)
    assert (base / "models" / "vae" / "tiny_16_channels.safetensors").exists(), done.stderr[-3000:]
    return checkpoint


@pytest.fixture(scope="session")
def todays_models(base, comfy_location):
    """Random files of today's models under the names that the templates ask for; gone after the tests (2 GB)."""
    folder, python = comfy_location
    script = Path(__file__).parent / "inside" / "write_today.py"
    done = subprocess.run([python, str(script), str(base / "models")], cwd=folder, capture_output=True, text=True)
    assert (base / "input" / "video.mp4").exists(), done.stderr[-3000:]
    yield
    for name in ("checkpoints", "diffusion_models", "vae"):
        for path in (base / "models" / name).glob("*.safetensors"):
            if path.stat().st_size > 50_000_000:
                path.unlink()


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


@pytest.fixture(scope="session")
def comfy(comfy_location, base):
    folder, python = comfy_location
    port = free_port()
    command = [python, "main.py", "--cpu", "--listen", "127.0.0.1", "--port", str(port)]
    command += ["--base-directory", str(base), "--extra-model-paths-config", str(base / "paths.yaml")]
    command += ["--disable-auto-launch", "--database-url", f"sqlite:///{base}/user/comfyui.db"]
    if "--disable-api-nodes" in (folder / "comfy" / "cli_args.py").read_text(encoding="utf-8"):
        command.append("--disable-api-nodes")
    if os.environ.get("COMFYUI_FRONT_END"):
        command += ["--front-end-root", str(Path(os.environ["COMFYUI_FRONT_END"]).resolve())]
    env = {**os.environ, "HF_HUB_OFFLINE": "1", "PYTHONUNBUFFERED": "1"}
    log = base / "server.log"
    with open(log, "wb") as out:
        server = subprocess.Popen(command, cwd=folder, env=env, stdout=out, stderr=subprocess.STDOUT)
    client = Client(port, log)
    try:
        deadline = time.monotonic() + 300
        while not answers(port):
            assert server.poll() is None and time.monotonic() < deadline, log.read_text(errors="replace")[-4000:]
            time.sleep(0.3)
        yield client
    finally:
        server.terminate()
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            server.kill()


def answers(port):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/system_stats", timeout=2):
            return True
    except (urllib.error.URLError, OSError):
        return False
