"""ComfyUI's real front end in a headless Chromium: open, load a workflow, look at it, run it, take a picture of it.

Needs the Python package playwright and a Chromium: the one that the environment variable CHROMIUM names, or a usual
place of it.  Nothing but the ComfyUI under test is reached: every other request is cut off.
"""

from __future__ import annotations

import os
import re
import shutil
import time
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

ARTIFACTS = Path(__file__).parents[2] / "artifacts"
FLAGS = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--disable-extensions", "--mute-audio"]
# What the front end itself says at start, with or without this pack.
HOST_NOISE = re.compile(
    r"user\.css|api/userdata|comfy\.templates|Content Security Policy|ComfyApp graph accessed before init|/api/jobs|"
    r"\[Jobs API\]|net::ERR_FAILED|Error fetching file size|reading 'id'\)|/releases|i18n/"
)
READY = """() => window.app && window.app.extensionManager && window.app.graph && window.app.canvas && window.LiteGraph
    && Object.keys(LiteGraph.registered_node_types).length > 50"""
LISTEN = """() => { window.__events = [];
    for (const t of ['execution_start', 'executed', 'execution_success', 'execution_error', 'execution_interrupted'])
        window.app.api.addEventListener(t, e =>
            window.__events.push([t, JSON.parse(JSON.stringify(e.detail ?? null))]));
}"""
COMPARE = """(file) => {
    const registered = LiteGraph.registered_node_types, own = ['Note', 'MarkdownNote', 'Reroute', 'PrimitiveNode'];
    const subgraphs = file.definitions?.subgraphs ?? [], problems = [], ids = new Set(subgraphs.map(s => s.id));
    for (const graph of [file, ...subgraphs]) for (const n of graph.nodes)
        if (!registered[n.type] && !ids.has(n.type) && !own.includes(n.type)) problems.push(`missing node ${n.type}`);
    const live = [[file, window.app.graph], ...subgraphs.map(s => [s, window.app.graph.subgraphs?.get(s.id)])];
    for (const [saved, graph] of live) {
        if (!graph) { problems.push(`subgraph ${saved.name} was not loaded`); continue; }
        const links = graph.links instanceof Map ? [...graph.links.values()] : Object.values(graph.links ?? {});
        const have = new Set(links.map(l => [l.origin_id, l.origin_slot, l.target_id, l.target_slot].join()));
        for (const l of saved.links ?? []) {
            const ends = Array.isArray(l) ? l.slice(1, 5) : [l.origin_id, l.origin_slot, l.target_id, l.target_slot];
            if (!have.has(ends.join())) problems.push(`dropped link ${ends.join()}`);
        }
        for (const n of saved.nodes) {
            const node = graph.getNodeById(n.id);
            if (!node) { problems.push(`node ${n.id} ${n.type} was not loaded`); continue; }
            const all = (node.widgets ?? []).filter(w => w.serialize !== false && !w.name.startsWith('$$'));
            const counts = [all, all.filter(w => w.options?.serialize !== false)].map(list => list.length);
            const given = n.widgets_values?.length ?? 0;
            const grown = !n.type.startsWith('SDEdit_') && given < Math.min(...counts);  // a newer host's own node
            if (!own.includes(n.type) && !ids.has(n.type) && given && !counts.includes(given) && !grown)
                problems.push(`${n.type}: ${given} values for the widgets ${all.map(w => w.name)}`);
        }
    }
    return problems;
}"""
MESSAGES = """() => [...document.querySelectorAll('.p-toast-message, .p-dialog, [role=dialog]')]
    .map(e => e.innerText.trim().slice(0, 600)).filter(t => t)"""
# Boxes of nodes as drawn: [id, title, x, y, w, h] in the units of the graph.
BOXES = """() => window.app.graph.nodes.map(n => {
    const body = document.querySelector(`[data-node-id="${n.id}"]`);
    let [x, y, w, h] = n.getBounding();
    if (window.LiteGraph.vueNodesMode && body) {
        const r = body.getBoundingClientRect(), s = window.app.canvas.ds;
        const c = window.app.canvas.canvas.getBoundingClientRect();
        [x, y] = [(r.left - c.left) / s.scale - s.offset[0], (r.top - c.top) / s.scale - s.offset[1]];
        [w, h] = [r.width / s.scale, r.height / s.scale];
    }
    return [n.id, n.title, x, y, w, h];
})"""


def find_chromium() -> str | None:
    """Path of a Chromium, or None."""
    found = [os.environ.get("CHROMIUM"), *map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))]
    return next((path for path in found if path and Path(path).exists()), None)


class FrontEnd:
    """One page of one ComfyUI; a context manager."""

    def __init__(self, url: str, *, nodes2: bool = False, size: tuple[int, int] = (2800, 1500)) -> None:
        self.url, self.size, self.problems = url.rstrip("/"), size, []
        self.settings = {"Comfy.TutorialCompleted": True, "Comfy.VueNodes.Enabled": nodes2}

    def __enter__(self) -> FrontEnd:
        from playwright.sync_api import sync_playwright

        self._playwright = sync_playwright().start()
        self._browser = self._playwright.chromium.launch(executable_path=find_chromium(), headless=True, args=FLAGS)
        width, height = self.size
        self.page = self._browser.new_page(viewport={"width": width, "height": height})
        self.page.set_default_timeout(90_000)
        self.page.route("**/*", self._only_this_host)
        self.page.on("console", self._console)
        self.page.on("pageerror", lambda error: self._note(f"page error: {error}"))
        self.page.on("response", self._response)
        self.reload()
        for name, value in self.settings.items():
            self.page.evaluate("([k, v]) => window.app.extensionManager.setting.set(k, v)", [name, value])
        self.reload()
        return self

    def __exit__(self, *error: object) -> None:
        self._browser.close()
        self._playwright.stop()

    def reload(self) -> None:
        """Open the page anew and wait until the nodes are there."""
        self.page.goto(self.url, wait_until="domcontentloaded", timeout=90_000)
        self.page.wait_for_function(READY, timeout=90_000)
        self.page.wait_for_timeout(700)
        self.page.evaluate(LISTEN)

    def _only_this_host(self, route) -> None:
        host = urllib.parse.urlparse(self.url).netloc
        own = urllib.parse.urlparse(route.request.url).netloc == host
        route.continue_() if own or route.request.url.startswith(("data:", "blob:")) else route.abort()

    def _note(self, text: str) -> None:
        if not HOST_NOISE.search(text):
            self.problems.append(text[:600])

    def _console(self, message) -> None:
        if message.type == "error":
            self._note(f"console: {message.text} @{message.location.get('url', '')}")

    def _response(self, response) -> None:
        if response.status >= 400:
            self._note(f"{response.status} {response.request.method} {response.url}")

    def take_problems(self) -> list[str]:
        """Console errors, page errors and failed requests since the last call."""
        found, self.problems = self.problems, []
        return found

    def load(self, workflow: dict) -> list[str]:
        """Open a workflow; what the front end lost of it."""
        self.page.evaluate("wf => window.app.loadGraphData(wf, true, true, null)", workflow)
        self.page.wait_for_timeout(800)
        self.fit()
        found = self.page.evaluate(COMPARE, workflow) + self.page.evaluate(MESSAGES)
        self.close_dialogs()
        return found

    def close_dialogs(self) -> None:
        """Away with what hides the canvas, such as the list of missing models."""
        for _ in range(3):
            if self.page.locator(".p-dialog-mask").count():
                self.page.keyboard.press("Escape")
                self.page.wait_for_timeout(600)

    def new_workflow(self) -> None:
        """An empty one, in a tab of its own."""
        self.page.evaluate("() => window.app.extensionManager.command.execute('Comfy.NewBlankWorkflow')")
        self.page.wait_for_function("() => window.app.graph.nodes.length === 0")

    def fit(self) -> None:
        """The whole workflow into the window."""
        self.page.evaluate("""() => { window.app.canvas.deselectAll();
            return window.app.extensionManager.command.execute('Comfy.Canvas.FitView'); }""")
        self.page.wait_for_timeout(900)

    def set_widgets(self, name: str, value: object, kind: str | None = None) -> int:
        """Set the widgets of one name, of all nodes or of those of a kind, in subgraphs too; how many there were."""
        return self.page.evaluate(
            """([name, value, kind]) => { let count = 0;
                const graphs = [window.app.graph, ...(window.app.graph.subgraphs?.values() ?? [])];
                for (const graph of graphs) for (const node of graph.nodes) if (!kind || node.type === kind)
                    for (const widget of node.widgets ?? []) if (widget.name === name) {
                        widget.value = value; widget.callback?.(value); count++; }
                return count; }""",
            [name, value, kind],
        )

    def add_from_library(self, name: str) -> list[str]:
        """Search the node library for ``name``, click what is found, and put it on the canvas; all entries found."""
        page = self.page
        toggle = "() => window.app.extensionManager.command.execute('Workspace.ToggleSidebarTab.node-library')"
        search = page.locator(".side-bar-panel input, .sidebar-content-container input, input[placeholder*='earch']")
        self.close_dialogs()
        if not search.count():
            page.evaluate(toggle)
        search.first.fill(name)
        page.get_by_text(name, exact=True).first.wait_for()
        page.wait_for_timeout(1500)
        found = page.evaluate("() => [...document.querySelectorAll('[role=treeitem]')].map(e => e.innerText.trim())")
        before = page.evaluate("() => window.app.graph.nodes.length")
        page.get_by_text(name, exact=True).first.click()
        page.wait_for_timeout(700)
        if page.evaluate("() => window.app.graph.nodes.length") == before:  # newer front ends wait for the place
            page.mouse.click(self.size[0] * 0.6, self.size[1] * 0.5)
        page.wait_for_function("n => window.app.graph.nodes.length === n + 1", arg=before)
        page.evaluate(toggle)
        return found

    def queue(self, timeout: float = 600) -> tuple[str, object]:
        """Press Run; ("execution_success", None), or how it ended and why."""
        self.page.evaluate("() => { window.__events.length = 0; }")
        self.page.evaluate("() => window.app.queuePrompt(0, 1)")
        refused = self.page.evaluate("() => JSON.parse(JSON.stringify(window.app.lastNodeErrors ?? null))")
        if refused:
            return "refused", refused
        return self.wait(timeout)

    def wait(self, timeout: float = 600) -> tuple[str, object]:
        """Until the prompt in progress has ended."""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            for kind, detail in self.page.evaluate("() => window.__events"):
                if kind in ("execution_success", "execution_error", "execution_interrupted"):
                    self.page.wait_for_timeout(1200)  # pictures arrive after the end
                    return kind, None if kind == "execution_success" else detail
            self.page.wait_for_timeout(100)
        return "timeout", None

    def pictures(self) -> dict[str, list]:
        """Pictures that the last run showed: node -> their files."""
        done = [detail for kind, detail in self.page.evaluate("() => window.__events") if kind == "executed"]
        return {d["node"]: d["output"]["images"] for d in done if (d.get("output") or {}).get("images")}

    def boxes(self) -> list[tuple]:
        """(id, title, x, y, width, height) of every node as it is drawn now; the id as text, in all front ends."""
        return [(str(key), *rest) for key, *rest in self.page.evaluate(BOXES)]

    def shot(self, name: str) -> Path:
        """A picture of the window under artifacts/."""
        path = ARTIFACTS / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=path)
        return path


@contextmanager
def front_end(comfy, rendering: str, **options) -> Iterator[FrontEnd]:
    """A host's front end in one rendering, "classic" or "nodes2", labelled for its pictures; skips where it has none.

    ``options`` go to :class:`FrontEnd`.
    """
    version = comfy.json("/system_stats")["system"]["comfyui_version"]
    nodes2 = rendering == "nodes2"
    if nodes2 and tuple(int(part) for part in version.split(".")[:2]) < (0, 20):
        pytest.skip(f"ComfyUI {version} is older than its new rendering of nodes")
    with FrontEnd(f"http://127.0.0.1:{comfy.port}", nodes2=nodes2, **options) as page:
        page.label = f"{version}-{rendering}"
        yield page
