"""Every workflow file against the node schemas, without a host."""

import json
from itertools import combinations

import pytest

from workflows import templates
from workflows.graph import NOTES, WORKFLOWS, load, schemas, ui_to_api

UI = sorted(WORKFLOWS.glob("*.json"))
API = sorted((WORKFLOWS / "api").glob("*.json"))
by_name = pytest.mark.parametrize("path", UI, ids=lambda p: p.stem)
TITLE = 30  # height of a node's title bar, drawn above its position


def test_every_workflow_has_its_twin_and_its_picture():
    assert 0 < len(UI) <= 16 and [p.stem for p in UI] == [p.stem for p in API]
    assert {p.stem for p in WORKFLOWS.glob("*.jpg")} == {p.stem for p in UI}
    assert {p.suffix for p in WORKFLOWS.iterdir() if p.is_file()} == {".json", ".jpg"}
    assert [p.stem[:3] for p in UI] == [f"{i:02d} " for i in range(1, len(UI) + 1)], "numbers are the order"
    for path in UI:
        picture = path.with_suffix(".jpg")
        assert picture.exists() and picture.stat().st_size < 200_000, picture.name


@pytest.mark.parametrize("path", API, ids=lambda p: p.stem)
def test_api_file_fits_the_schemas(path):
    known, graph = schemas(), load(path)
    for key, node in graph.items():
        schema = known[node["class_type"]]
        names = {item.name for item in schema.inputs}
        assert set(node["inputs"]) <= names, f"{key}: {set(node['inputs']) - names}"
        for item in schema.inputs:
            value = node["inputs"].get(item.name)
            assert value is not None or not item.required, f"{key} {node['class_type']}.{item.name} is missing"
            if isinstance(value, list):
                origin = known[graph[value[0]]["class_type"]]
                assert item.kind in ("*", origin.outputs[value[1]]), f"{key}.{item.name} gets {origin.outputs}"
            elif item.choices:
                assert value in item.choices, f"{key}.{item.name}: {value!r}"
            elif item.kind in ("INT", "FLOAT") and value is not None:
                assert item.options.get("min", value) <= value <= item.options.get("max", value), f"{key}.{item.name}"


@by_name
def test_ui_file_is_consistent(path):
    known, workflow = schemas(), load(path)
    nodes = {node["id"]: node for node in workflow["nodes"]}
    assert len(nodes) == len(workflow["nodes"]) and workflow["last_node_id"] == max(nodes)
    links = {link[0]: link for link in workflow["links"]}
    assert len(links) == len(workflow["links"])
    for number, origin, out, target, slot, kind in workflow["links"]:
        assert nodes[origin]["outputs"][out]["type"] == kind
        assert number in nodes[origin]["outputs"][out]["links"]
        assert nodes[target]["inputs"][slot]["link"] == number
    for node in workflow["nodes"]:
        if node["type"] in NOTES:
            continue
        schema = known[node["type"]]
        assert {slot["name"] for slot in node["inputs"]} == {item.name for item in schema.inputs}
        widgets = sum(item.is_widget + (item.is_widget and item.has_control) for item in schema.inputs)
        assert len(node["widgets_values"]) == widgets
        assert all(slot["link"] is None or slot["link"] in links for slot in node["inputs"])


@by_name
def test_api_twin_equals_the_ui_file(path):
    twin = {key: {k: node[k] for k in ("class_type", "inputs")} for key, node in load(API[UI.index(path)]).items()}
    assert ui_to_api(load(path)) == twin


@by_name
def test_layout(path):
    workflow = load(path)
    boxes = {n["id"]: (n["pos"][0], n["pos"][1] - TITLE, *n["size"]) for n in workflow["nodes"]}
    for (a, p), (b, q) in combinations(boxes.items(), 2):
        apart = p[0] + p[2] <= q[0] or q[0] + q[2] <= p[0] or p[1] + p[3] + TITLE <= q[1] or q[1] + q[3] + TITLE <= p[1]
        assert apart, f"nodes {a} and {b} overlap"
    groups = [g["bounding"] for g in workflow["groups"]]
    for node in workflow["nodes"]:
        assert node["size"][0] >= 200, f"node {node['id']} is narrower than the front end draws it"
        if node["type"] not in NOTES:
            x, y, w, h = boxes[node["id"]]
            inside = [g for g in groups if g[0] <= x and g[1] <= y and x + w <= g[0] + g[2] and y + h <= g[1] + g[3]]
            assert len(inside) == 1, f"node {node['id']} {node['type']} lies in {len(inside)} groups"


@pytest.mark.parametrize("path", UI[8:], ids=lambda p: p.stem)
def test_it_can_be_read_in_a_small_window(path):
    """At 1600 x 950 the front end fits 1250 x 701 px of it and hides the text of nodes below a zoom of 8 / 14."""
    bounds = [group["bounding"] for group in load(path)["groups"]]
    width, height = max(x + w for x, _, w, _ in bounds), max(y + h for _, y, _, h in bounds)
    assert min(1250 / width, 701 / height) > 8 / 14, f"{width} x {height}"


@pytest.mark.parametrize("path", UI[8:], ids=lambda p: p.stem)
def test_every_file_it_asks_for_can_be_had(path):
    """The front end offers what ``models`` of a loader says; the note says the same with its folder."""
    workflow = load(path)
    note = next(n["widgets_values"][0] for n in workflow["nodes"] if n.get("title") == "Files")
    asked = {v for n in workflow["nodes"] for v in n["widgets_values"] if str(v).endswith(".safetensors")}
    offered = [file for n in workflow["nodes"] for file in n["properties"].get("models", [])]
    assert asked and {file["name"] for file in offered} == asked
    for file in offered:
        assert file["url"].startswith("https://huggingface.co/") and file["url"].endswith("/" + file["name"])
        assert f"{file['directory']}/ [{file['name']}]({file['url']})" in note


def test_a_bypassed_node_lets_its_input_pass():
    """Qwen-Image's LoRA is there for the taking; the API file goes past it."""
    path = next(path for path in UI if "Qwen" in path.stem)
    bypassed = [node["type"] for node in load(path)["nodes"] if node["mode"] == 4]
    graph = load(API[UI.index(path)])
    shift = next(node for node in graph.values() if node["class_type"] == "ModelSamplingAuraFlow")
    assert bypassed == ["LoraLoaderModelOnly"]
    assert graph[shift["inputs"]["model"][0]]["class_type"] == "UNETLoader"


@by_name
def test_workflow_explains_itself(path):
    workflow = load(path)
    notes = [n for n in workflow["nodes"] if n["type"] in NOTES]
    assert notes and len(notes[0]["widgets_values"][0]) > 100
    kinds = {n["type"] for n in workflow["nodes"]}
    assert kinds & {"SaveImage", "SaveVideo"} and any(kind.startswith("SDEdit_") for kind in kinds)


def test_files_are_what_the_maker_writes():
    for make in templates.WORKFLOWS:
        graph = make()
        assert load(WORKFLOWS / f"{graph.name}.json") == json.loads(json.dumps(graph.ui()))
        assert load(WORKFLOWS / "api" / f"{graph.name}.json") == json.loads(json.dumps(graph.api()))
    assert len(templates.WORKFLOWS) == len(UI)
