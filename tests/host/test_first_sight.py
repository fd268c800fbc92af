"""What a template looks like as the front end itself opens it, in three windows.

Measured on the page, in both renderings: the zoom, the room between nodes, texts that do not fit or lie under ComfyUI's
own bars and minimap, contrast of notes.
"""

import importlib.util
from itertools import combinations

import pytest
from browser_flows import find_chromium, front_end
from graphs import WORKFLOWS, load

TEMPLATES = sorted(WORKFLOWS.glob("*.json"))
# Size: the least zoom.  Below 8 / 14 the classic rendering draws no text.
WINDOWS = {(1366, 768): 8 / 14, (1600, 950): 0.7, (1920, 1080): 0.8}
CONTRAST = 4.5  # the least; that of WCAG 2.2, 1.4.3

pytestmark = [
    pytest.mark.skipif(importlib.util.find_spec("playwright") is None, reason="no playwright: pip install playwright"),
    pytest.mark.skipif(find_chromium() is None, reason="no Chromium: set CHROMIUM=/path/to/chromium"),
]

# Opened as from the template browser.
OPEN = "wf => window.app.loadGraphData(wf, true, true, null, { openSource: 'template' })"
# What the classic rendering draws itself is cut where it is longer than its widget or, collapsed, than 20 letters.
CUT = """() => {
    const cut = [], { canvas, graph } = window.app, pen = document.createElement('canvas').getContext('2d');
    const across = e => e.scrollWidth > e.clientWidth + 1, down = e => e.scrollHeight > e.clientHeight + 1;
    const seen = e => e.clientWidth > 0 && getComputedStyle(e).visibility !== 'hidden';
    const words = e => (e.value ?? e.innerText ?? '').slice(0, 60);
    for (const note of document.querySelectorAll('.comfy-markdown, .comfy-markdown-content'))
        if (seen(note) && down(note)) cut.push('note: ' + words(note));
    if (LiteGraph.vueNodesMode) {
        const text = '[data-node-id] :is(span, label, input, textarea, p, div)';
        for (const e of document.querySelectorAll(text))
            if (seen(e) && !e.children.length && words(e).trim() && !e.closest('.sdedit-canvas') && across(e))
                cut.push('text: ' + words(e));
        return cut;
    }
    pen.font = `${LiteGraph.NODE_SUBTEXT_SIZE ?? 12}px ${LiteGraph.NODE_FONT}`;
    for (const node of graph.nodes) {
        if (node.flags.collapsed) { if (node.title.length > 20) cut.push('title: ' + node.title); continue; }
        for (const w of node.widgets ?? []) {
            if (w.element || w.hidden || w.type === 'button') continue;
            const shown = w.type === 'slider' ? `${w.label ?? w.name}  0.000` : `${w.label ?? w.name}${w.value ?? ''}`;
            const needed = pen.measureText(shown).width + 75;  // margins, arrows, and room between name and value
            if (needed > node.size[0]) cut.push(`widget: ${w.label ?? w.name} ${w.value}`);
        }
    }
    return cut;
}"""
# [lowest contrast, its text] of every note: of each piece of text with what lies behind it.
CONTRASTS = """() => {
    const bytes = (colour) => colour.match(/[\\d.]+/g).map(Number);
    const light = (rgb) => {
        const [r, g, b] = rgb.map(v => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const pen = document.createElement('canvas').getContext('2d');
    const plain = (colour) => { pen.fillStyle = '#000'; pen.fillStyle = colour; pen.clearRect(0, 0, 1, 1);
        pen.fillRect(0, 0, 1, 1); return [...pen.getImageData(0, 0, 1, 1).data]; };
    const behind = (element) => {
        for (let e = element; e; e = e.parentElement) {
            const [r, g, b, a] = plain(getComputedStyle(e).backgroundColor);
            if (a > 250) return [r, g, b];
        }
        return null;
    };
    const results = [];
    const notes = window.app.graph.nodes.filter(n => n.type === 'MarkdownNote' && !n.flags.collapsed);
    const shown = [...document.querySelectorAll('.comfy-markdown, .comfy-markdown-content')].filter(e =>
        e.clientWidth > 0 && !e.querySelector('.comfy-markdown, .comfy-markdown-content'));
    for (const [i, box] of shown.entries()) {
        // in the classic rendering the node itself is painted behind the text, with its own colour
        const paper = LiteGraph.vueNodesMode ? null : plain(notes[0].bgcolor ?? LiteGraph.NODE_DEFAULT_BGCOLOR);
        let worst = [99, ''];
        for (const e of box.querySelectorAll('h2, p, li, strong, em, a')) {
            const [ink, back] = [plain(getComputedStyle(e).color).slice(0, 3), behind(e) ?? paper];
            const under = LiteGraph.vueNodesMode ? back : (behindIn(e, box) ?? paper);
            const [a, b] = [light(ink), light(under.slice(0, 3))];
            const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
            if (ratio < worst[0]) worst = [ratio, e.innerText.slice(0, 40)];
        }
        results.push(worst);
    }
    return results;
    function behindIn(element, box) {
        for (let e = element; e && e !== box.parentElement; e = e.parentElement) {
            const [r, g, b, a] = plain(getComputedStyle(e).backgroundColor);
            if (a > 250) return [r, g, b];
        }
        return null;
    }
}"""
# Texts under something of ComfyUI's: the heading of a group, or a node that is no picture, by its corners.
HIDDEN = """(boxes) => {
    const { canvas, graph } = window.app, { scale, offset } = canvas.ds, edge = canvas.canvas.getBoundingClientRect();
    const own = '[data-node-id], .dom-widget, .comfy-markdown, .sdedit-canvas, .comfy-multiline-input';
    const under = ([x, y]) => {
        const e = document.elementFromPoint(edge.x + (x + offset[0]) * scale, edge.y + (y + offset[1]) * scale);
        return e !== canvas.canvas && !e?.closest(own);
    };
    const pen = document.createElement('canvas').getContext('2d'), hidden = [];
    for (const { title, pos: [x, y], font_size: high } of graph.groups) {
        pen.font = `${high}px Arial`;
        const ends = [8, pen.measureText(title).width].flatMap(a => [[x + a, y + 0.5 * high], [x + a, y + high]]);
        if (ends.some(under)) hidden.push(title);
    }
    for (const [id, title, x, y, w, h] of boxes) {
        if (/Image|Video|Canvas/.test(graph.getNodeById(id).type)) continue;
        const corners = [x + 6, x + w - 6].flatMap(a => [[a, y + 6], [a, y + h - 6]]);
        if (corners.some(under)) hidden.push(title);
    }
    return hidden;
}"""


@pytest.fixture(scope="module", params=["classic", "nodes2"])
def front(request, comfy):
    with front_end(comfy, request.param) as page:
        yield page


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda p: p.stem)
@pytest.mark.parametrize("window", WINDOWS, ids=lambda size: str(size[0]))
def test_first_sight(front, path, window):
    if front.page.viewport_size["width"] != window[0]:
        front.page.set_viewport_size(dict(zip(("width", "height"), window, strict=True)))
        front.page.wait_for_timeout(800)
    front.page.evaluate(OPEN, load(path))
    front.page.wait_for_timeout(1500)
    front.close_dialogs()
    front.shot(f"{front.label}/first/{window[0]}/{path.stem}")
    zoom, low = front.page.evaluate("() => [window.app.canvas.ds.scale, window.app.canvas.low_quality]")
    assert zoom >= WINDOWS[window] and not low
    boxes = front.boxes()
    assert front.page.evaluate(HIDDEN, boxes) == []
    for a, b in combinations(boxes, 2):
        apart = a[2] + a[4] <= b[2] or b[2] + b[4] <= a[2] or a[3] + a[5] <= b[3] or b[3] + b[5] <= a[3]
        assert apart, f"{a[1]} {a[2:]} and {b[1]} {b[2:]} overlap"
    assert front.page.evaluate(CUT) == []
    contrasts = front.page.evaluate(CONTRASTS)
    assert contrasts and min(contrasts)[0] >= CONTRAST, contrasts
