"""Subgraph blueprints: consistent inside, and what the maker writes."""

import json

import pytest

from workflows import blueprints
from workflows.graph import load, schemas
from workflows.subgraph import INPUT, OUTPUT, SUBGRAPHS

FILES = sorted(SUBGRAPHS.glob("*.json"))
by_name = pytest.mark.parametrize("path", FILES, ids=lambda p: p.stem)


def test_files_are_what_the_maker_writes():
    made = {make().name: make().ui() for make in blueprints.BLUEPRINTS}
    assert {path.stem: load(path) for path in FILES} == json.loads(json.dumps(made))
    assert [path.name for path in SUBGRAPHS.iterdir() if path.suffix != ".json"] == []


@by_name
def test_one_node_with_its_definition(path):
    file = load(path)
    (node,), (definition,) = file["nodes"], file["definitions"]["subgraphs"]
    assert node["type"] == definition["id"] and node["title"] == definition["name"] == path.stem
    for ends, slots in ((definition["inputs"], node["inputs"]), (definition["outputs"], node["outputs"])):
        assert [(e["name"], e["type"]) for e in ends] == [(s["name"], s["type"]) for s in slots]
    assert len(definition["description"]) > 60


@by_name
def test_links_join_slots_of_one_type(path):
    definition = load(path)["definitions"]["subgraphs"][0]
    nodes = {node["id"]: node for node in definition["nodes"]}
    numbers = [link["id"] for link in definition["links"]]
    assert len(set(numbers)) == len(numbers) and definition["state"]["lastLinkId"] == max(numbers)
    for link in definition["links"]:
        if link["origin_id"] == INPUT:
            origin = definition["inputs"][link["origin_slot"]]
            assert link["id"] in origin["linkIds"]
        else:
            origin = nodes[link["origin_id"]]["outputs"][link["origin_slot"]]
            assert link["id"] in origin["links"]
        if link["target_id"] == OUTPUT:
            target = definition["outputs"][link["target_slot"]]
            assert target["linkIds"] == [link["id"]]
        else:
            target = nodes[link["target_id"]]["inputs"][link["target_slot"]]
            assert target["link"] == link["id"]
        assert origin["type"] == target["type"] == link["type"]


@by_name
def test_every_required_socket_is_connected_or_offered(path):
    known, definition = schemas(), load(path)["definitions"]["subgraphs"][0]
    for node in definition["nodes"]:
        required = {item.name for item in known[node["type"]].inputs if item.required and not item.is_widget}
        open_ends = {slot["name"] for slot in node["inputs"] if slot["link"] is None}
        assert not required & open_ends, f"{node['type']}: {required & open_ends}"


@by_name
def test_dials_outside_say_what_the_widgets_inside_say(path):
    (node,), (definition,) = load(path)["nodes"], load(path)["definitions"]["subgraphs"]
    assert {owner for owner, _ in node["properties"]["proxyWidgets"]} == {"-1"}, "by links, not by inner ids"
    shown = [name for _, name in node["properties"]["proxyWidgets"]]
    assert {"t0", "steps", "solver", "seed"} <= set(shown)
    assert shown == [slot["name"] for slot in node["inputs"] if "widget" in slot]
    known = schemas()
    for name, value in zip(shown, node["widgets_values"], strict=True):
        for link in definition["links"]:
            if link["origin_id"] != INPUT or definition["inputs"][link["origin_slot"]]["name"] != name:
                continue
            inner = next(n for n in definition["nodes"] if n["id"] == link["target_id"])
            values = list(inner["widgets_values"])
            for item in known[inner["type"]].inputs:
                if item.is_widget:
                    own = values.pop(0)
                    if item.has_control:
                        values.pop(0)
                    if item.name == inner["inputs"][link["target_slot"]]["name"]:
                        assert own == value, f"{inner['type']}.{item.name}"
