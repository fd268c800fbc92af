"""The pack in another language, in ComfyUI's real front end: a template, its nodes, the help panel, what a run says.

Screenshots are kept under artifacts/.  Runs where playwright and a Chromium are (environment variable CHROMIUM).
"""

import importlib.util
import json
from pathlib import Path

import pytest
from browser_flows import find_chromium, front_end
from graphs import WORKFLOWS, load

ROOT = Path(__file__).parents[2]
TEMPLATE = next(WORKFLOWS.glob("02*.json"))
OPEN = "wf => window.app.loadGraphData(wf, true, true, null, { openSource: 'template' })"
SHOWN = """() => {
    const { graph } = window.app, label = slot => slot.label ?? slot.localized_name ?? slot.name;
    const note = graph.nodes.find(n => n.type === 'MarkdownNote'), part = graph.nodes.find(n => n.isSubgraphNode?.());
    return {
        titles: graph.nodes.map(n => n.title), types: graph.nodes.map(n => n.type),
        groups: graph.groups.map(g => g.title), note: note.widgets[0].value,
        page: [...document.querySelectorAll('.comfy-markdown, .comfy-markdown-content')].map(e => e.innerText).join(),
        ends: [...part.inputs, ...part.outputs].map(label), widgets: part.widgets.map(w => w.label ?? w.name),
        inside: part.subgraph.nodes.map(n => n.title), mark: graph.extra.sdedit_template ?? null,
        changed: window.app.extensionManager.workflow?.activeWorkflow?.isModified ?? null,
    };
}"""
NODE = "SDEdit_AddVENoise"

pytestmark = [
    pytest.mark.skipif(importlib.util.find_spec("playwright") is None, reason="no playwright: pip install playwright"),
    pytest.mark.skipif(find_chromium() is None, reason="no Chromium: set CHROMIUM=/path/to/chromium"),
]


def locale(language, name):
    return json.loads((ROOT / "locales" / language / name).read_text(encoding="utf-8"))


def texts_of(language):
    """(texts of main.json by their English ones, nodeDefs.json) of a language."""
    english, other = (locale(each, "main.json")["SDEdit"] for each in ("en", language))
    words = {text: other[kind][key] for kind in ("templates", "said") for key, text in english[kind].items()}
    return words, locale(language, "nodeDefs.json")


@pytest.fixture(scope="module", params=["classic", "nodes2"])
def front(request, comfy):
    with front_end(comfy, request.param, size=(1600, 950)) as page:
        yield page
        page.page.evaluate("() => window.app.extensionManager.setting.set('Comfy.Locale', 'en')")


@pytest.mark.parametrize("language", ["zh", "ja"])
def test_a_template_in_another_language(front, language):
    front.page.evaluate("l => window.app.extensionManager.setting.set('Comfy.Locale', l)", language)
    front.reload()
    words, nodes = texts_of(language)
    workflow = load(TEMPLATE)
    front.page.evaluate(OPEN, workflow)
    front.page.wait_for_timeout(1500)
    front.close_dialogs()
    shown = front.page.evaluate(SHOWN)
    front.shot(f"{front.label}/{language}/{TEMPLATE.stem}")
    note = next(node["widgets_values"][0] for node in workflow["nodes"] if node["type"] == "MarkdownNote")
    assert shown["note"] == "\n".join(words.get(line, line) for line in note.split("\n")) != note
    heading = words[note.split("\n")[0]].removeprefix("## ")
    assert heading in shown["page"]
    assert shown["groups"] == [words[group["title"]] for group in workflow["groups"]]
    titles = {words[node["title"]] for node in workflow["nodes"] if node.get("title")}
    if "ImageCompare" in shown["types"]:  # in the result's place; the node that saves has ComfyUI's name then
        titles.add(front.page.evaluate("() => window.LiteGraph.registered_node_types.SaveImage.title"))
    assert titles | {nodes["SDEdit_StrokeCanvas"]["display_name"]} == set(shown["titles"])
    assert words["grow mask"] in shown["widgets"] and words["read-out"] in shown["ends"]
    assert {nodes[NODE]["display_name"], nodes["SDEdit_ReverseSDESampler"]["display_name"]} <= set(shown["inside"])
    assert shown["mark"] is None and not shown["changed"]

    saved = front.page.evaluate("() => JSON.parse(JSON.stringify(window.app.graph.serialize()))")
    front.page.evaluate("() => window.app.extensionManager.setting.set('Comfy.Locale', 'en')")
    front.reload()
    front.load(saved)
    assert front.page.evaluate(SHOWN)["note"] == shown["note"], "what was saved is opened as it is"


@pytest.mark.parametrize("language", ["zh", "ja"])
def test_what_a_run_says(front, language):
    front.page.evaluate("l => window.app.extensionManager.setting.set('Comfy.Locale', l)", language)
    front.reload()
    words, _ = texts_of(language)
    front.new_workflow()
    front.page.evaluate(RUN)
    assert front.queue() == ("execution_success", None)
    text = front.page.evaluate(READ)
    front.shot(f"{front.label}/{language}/read-out")
    for line in ("like denoise $1 of a KSampler with the scheduler simple", "mask: all 1, so everything may change"):
        assert words[line].split("$1")[-1] in text, line
    assert "noise share" not in text
    front.set_widgets("strokes", '{"version":1,"width":64,"height":64,"background":"#ffffff","strokes":[]}')
    kind, detail = front.queue()
    assert kind == "execution_error"
    message = next(text for english, text in words.items() if "nothing is painted yet" in english)
    front.shot(f"{front.label}/{language}/message")
    assert detail["exception_message"].strip().endswith(message.removeprefix("“$1”").removeprefix("「$1」"))
    front.close_dialogs()


READ = """() => window.app.graph.nodes.find(n => n.type === 'PreviewAny').widgets.map(w => w.value).join()"""
RUN = """() => {
    const { graph } = window.app, made = {};
    const make = (kind, x, y) => { const n = LiteGraph.createNode(kind); graph.add(n); n.pos = [x, y]; return n; };
    const join = (from, output, to, input) => from.connect(from.findOutputSlot(output), to, to.findInputSlot(input));
    const [canvas, model, encode, noise] = [make('SDEdit_StrokeCanvas', 0, 0), make('SDEdit_ScoreModelLoader', 0, 700),
        make('VAEEncode', 500, 0), make('SDEdit_AddVENoise', 500, 200)];
    const text = make('PreviewAny', 900, 0), small = { width: 64, height: 64 };
    text.size = [600, 300];
    for (const [name, value] of Object.entries(small)) canvas.widgets.find(w => w.name === name).value = value;
    join(canvas, 'guide', encode, 'pixels'); join(model, 'vae', encode, 'vae');
    join(model, 'model', noise, 'model'); join(encode, 'LATENT', noise, 'latent');
    const mask = make('SolidMask', 0, 1000);
    join(mask, 'MASK', noise, 'mask'); noise.connect(noise.findOutputSlot('read-out'), text, 0);
}"""


LINK = """() => {
    const { graph } = window.app, find = type => graph.nodes.find(n => n.type === type);
    const make = kind => { const n = LiteGraph.createNode(kind); graph.add(n); return n; };
    const noise = find('SDEdit_AddVENoise');
    noise.connect(0, make('KSampler'), 'latent_image');
    make('VAEEncodeForInpaint').connect(0, noise, 'latent');
}"""


@pytest.mark.parametrize("language", ["zh", "ja"])
def test_hints_at_links(front, language):
    front.page.evaluate("l => window.app.extensionManager.setting.set('Comfy.Locale', l)", language)
    front.reload()
    front.new_workflow()
    front.page.evaluate(RUN)
    front.page.evaluate(LINK)
    front.page.wait_for_timeout(600)
    front.shot(f"{front.label}/{language}/hints")
    shown = front.page.evaluate("() => document.body.innerText")
    words = locale(language, "main.json")["SDEdit"]["canvas"]
    assert words["hintKSampler"] in shown and words["hintInpaint"] in shown


@pytest.mark.parametrize("language", ["zh", "ja"])
def test_the_help_panel(front, language):
    front.page.evaluate("l => window.app.extensionManager.setting.set('Comfy.Locale', l)", language)
    front.reload()
    asked = []

    def note(response):
        if ".md" in response.url:
            asked.append((response.url.rsplit("/docs/", 1)[-1], response.status))

    front.page.on("response", note)
    front.new_workflow()
    front.page.evaluate(f"""() => {{ const n = LiteGraph.createNode('{NODE}'); window.app.graph.add(n);
        n.pos = [200, 200]; window.app.canvas.selectNode(n); window.app.canvas.setDirty(true, true); }}""")
    front.page.wait_for_timeout(800)
    front.page.keyboard.press("Escape")
    front.page.evaluate("() => window.app.canvas.selectNode(window.app.graph.nodes[0])")
    front.page.wait_for_timeout(500)
    front.page.locator(".selection-toolbox button:has(i[class*='info']), [data-testid='info-button']").first.click()
    front.page.wait_for_timeout(2000)
    front.shot(f"{front.label}/{language}/help")
    page = (ROOT / "web" / "docs" / NODE / f"{language}.md").read_text(encoding="utf-8")
    heading = next(line for line in page.splitlines() if line.startswith("## ")).removeprefix("## ")
    assert (f"{NODE}/{language}.md", 200) in asked and all(status == 200 for _, status in asked), asked
    assert heading in front.page.evaluate("() => document.body.innerText")
