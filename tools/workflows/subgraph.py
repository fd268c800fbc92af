"""Subgraph blueprints as Python: a Graph with named ends becomes one node of ComfyUI's node library."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass, field

from pack import ROOT

from .graph import INPUT, LINK, OUTPUT, Graph, Input, Ref, Schema, schemas

SUBGRAPHS = ROOT / "subgraphs"


@dataclass
class Blueprint:
    """One subgraph: its nodes, what goes in (sockets, then widgets) and what comes out."""

    name: str
    description: str
    graph: Graph
    sockets: dict[str, list[tuple[str, str]]]  # name -> (node, input), ...
    widgets: dict[str, list[tuple[str, str]]]
    outputs: dict[str, Ref]
    aliases: list[str] = field(default_factory=list)
    size: tuple[int, int] = (340, 300)
    place: str = ""  # the workflow that it is part of: two of them may differ under one name

    def _id(self, what: str = "") -> str:
        return str(uuid.uuid5(uuid.NAMESPACE_URL, f"sdedit-nodes/blueprint/{self.place}{self.name}/{what}"))

    @property
    def kind(self) -> str:
        """The type of the node that holds it."""
        return self._id()

    def ends(self) -> dict[str, list[tuple[str, str]]]:
        """What goes in: name -> (node, input), ..."""
        return {**self.sockets, **self.widgets}

    def made(self, slot: int) -> Ref:
        """The output inside that an output of the node stands for."""
        return list(self.outputs.values())[slot]

    def schema(self) -> Schema:
        """As that of any node; the values of the widgets inside are the defaults."""
        inputs = []
        for name, targets in self.ends().items():
            item = self._input(targets[0])
            options = {k: v for k, v in item.options.items() if k != "control_after_generate"}
            if name in self.widgets:
                options["default"] = self._value(targets[0])
            inputs.append(Input(name, item.kind, item.choices, options, item.required))
        known = schemas()
        kinds = [known[self.graph.nodes[ref.key]["kind"]].outputs[ref.slot] for ref in self.outputs.values()]
        return Schema(inputs, kinds, list(self.outputs), output_node=False)

    def _input(self, target: tuple[str, str]) -> Input:
        node = self.graph.nodes[target[0]]
        return next(item for item in schemas()[node["kind"]].inputs if item.name == target[1])

    def _value(self, target: tuple[str, str]) -> object:
        node, name = target
        kept = self.graph.api().get(str(self.graph.ids()[node]), {"inputs": self.graph.nodes[node]["inputs"]})
        return kept["inputs"][name]

    def definition(self) -> dict:
        """As the front end keeps it in a workflow."""
        ui = self.graph.ui()
        links = [dict(zip(LINK, link, strict=True)) for link in ui["links"]]
        by_key = dict(zip(self.graph.nodes, ui["nodes"], strict=True))
        left = min(n["pos"][0] for n in ui["nodes"])
        right = max(n["pos"][0] + n["size"][0] for n in ui["nodes"])
        inputs, outputs = [], []
        for slot, (name, targets) in enumerate(self.ends().items()):
            kind, used = self._input(targets[0]).kind, []
            for key, field_name in targets:
                node = by_key[key]
                index = next(i for i, s in enumerate(node["inputs"]) if s["name"] == field_name)
                used.append(len(links) + 1)
                links.append(dict(zip(LINK, (used[-1], INPUT, slot, node["id"], index, kind), strict=True)))
                node["inputs"][index]["link"] = used[-1]
            inputs.append({"id": self._id("in " + name), "name": name, "type": kind, "linkIds": used})
        for slot, (name, ref) in enumerate(self.outputs.items()):
            source = by_key[ref.key]["outputs"][ref.slot]
            number, kind = len(links) + 1, source["type"]
            ends_at = (number, by_key[ref.key]["id"], ref.slot, OUTPUT, slot, kind)
            links.append(dict(zip(LINK, ends_at, strict=True)))
            source["links"] = [*(source["links"] or []), number]
            outputs.append({"id": self._id("out " + name), "name": name, "type": kind, "linkIds": [number]})
        for i, end in enumerate(inputs):
            end["pos"] = [left - 120, 60 + 20 * i]
        for i, end in enumerate(outputs):
            end["pos"] = [right + 120, 60 + 20 * i]
        return {
            "id": self._id(),
            "version": 1,
            "state": {
                "lastGroupId": len(ui["groups"]),
                "lastNodeId": ui["last_node_id"],
                "lastLinkId": len(links),
                "lastRerouteId": 0,
            },
            "revision": 0,
            "config": {},
            "name": self.name,
            "inputNode": {"id": INPUT, "bounding": [left - 240, 40, 140, 40 + 20 * len(inputs)]},
            "outputNode": {"id": OUTPUT, "bounding": [right + 100, 40, 140, 40 + 20 * len(outputs)]},
            "inputs": inputs,
            "outputs": outputs,
            "widgets": [],
            "nodes": ui["nodes"],
            "groups": ui["groups"],
            "links": links,
            "extra": {"BlueprintDescription": self.description, "BlueprintSearchAliases": self.aliases},
            "category": "SDEdit",
            "description": self.description,
        }

    def ui(self) -> dict:
        """As the front end publishes a blueprint: a workflow that is one subgraph node."""
        definition = self.definition()
        proxies = [["-1", name] for name in self.widgets]
        values = [self._value(targets[0]) for targets in self.widgets.values()]
        sockets = [
            {"name": end["name"], "type": end["type"], "link": None}
            | ({"widget": {"name": end["name"]}} if end["name"] in self.widgets else {})
            for end in definition["inputs"]
        ]
        node = {
            "id": 1,
            "type": definition["id"],
            "pos": [0, 0],
            "size": list(self.size),
            "flags": {},
            "order": 0,
            "mode": 0,
            "inputs": sockets,
            "outputs": [{"name": e["name"], "type": e["type"], "links": []} for e in definition["outputs"]],
            "title": self.name,
            "properties": {"proxyWidgets": proxies},
            "widgets_values": values,
        }
        return {
            "id": self._id("workflow"),
            "revision": 0,
            "last_node_id": 1,
            "last_link_id": 0,
            "nodes": [node],
            "links": [],
            "groups": [],
            "definitions": {"subgraphs": [definition]},
            "config": {},
            "extra": {"BlueprintDescription": self.description, "BlueprintSearchAliases": self.aliases},
            "version": 0.4,
        }

    def write(self) -> None:
        SUBGRAPHS.mkdir(exist_ok=True)
        text = json.dumps(self.ui(), indent=1, ensure_ascii=False) + "\n"
        (SUBGRAPHS / f"{self.name}.json").write_text(text, encoding="utf-8")
