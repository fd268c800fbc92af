"""Workflows as Python: one description, written as the UI file and as its API twin."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from pack import ROOT, load_pack

WORKFLOWS = ROOT / "workflows"
WIDGETS = ("INT", "FLOAT", "STRING", "BOOLEAN", "COMBO")
NOTES = ("MarkdownNote", "Note")
MUTED, BYPASSED = 2, 4  # modes of a node, as the front end numbers them
INPUT, OUTPUT = -10, -20  # the ids that the front end gives to the two ends of a subgraph
LINK = ("id", "origin_id", "origin_slot", "target_id", "target_slot", "type")


def load(path: Path) -> dict:
    """A workflow or blueprint as it lies on disk."""
    return json.loads(path.read_text(encoding="utf-8"))


@dataclass
class Input:
    name: str
    kind: str
    choices: list | None
    options: dict
    required: bool

    @property
    def is_widget(self) -> bool:
        return self.choices is not None or (self.kind in WIDGETS and not self.options.get("forceInput"))

    @property
    def has_control(self) -> bool:
        return self.kind == "INT" and bool(self.options.get("control_after_generate"))


@dataclass
class Schema:
    inputs: list[Input]
    outputs: list[str]
    output_names: list[str]
    output_node: bool


def _input(name: str, entry: list | tuple, required: bool) -> Input:
    kind, options = entry[0], (entry[1] if len(entry) > 1 else {})
    choices = kind if isinstance(kind, list) else options.get("options") if kind == "COMBO" else None
    return Input(name, "COMBO" if choices is not None else kind, choices, options, required)


def _schema(definition: dict) -> Schema:
    sections = definition["input"]
    inputs = [_input(n, e, True) for n, e in sections.get("required", {}).items()]
    inputs += [_input(n, e, False) for n, e in sections.get("optional", {}).items()]
    outputs = definition["output"]
    return Schema(inputs, outputs, definition.get("output_name") or outputs, bool(definition.get("output_node")))


def schemas() -> dict[str, Schema]:
    """Schemas of our nodes (from the classes) and of the core nodes that the workflows use (from core_nodes.json)."""
    core = load(Path(__file__).parent / "core_nodes.json")
    found = {name: _schema(definition) for name, definition in core.items()}
    for name, cls in load_pack().NODE_CLASS_MAPPINGS.items():
        definition = {"input": cls.INPUT_TYPES(), "output": list(cls.RETURN_TYPES)}
        found[name] = _schema({**definition, "output_name": list(cls.RETURN_NAMES)})
    return found


@dataclass
class Ref:
    """Output ``slot`` of node ``key``."""

    key: str
    slot: int


class Part(Protocol):
    """What is in a subgraph node; see subgraph.py."""

    name: str
    kind: str  # of the node that holds it
    graph: Graph
    widgets: dict

    def schema(self) -> Schema: ...
    def ends(self) -> dict[str, list[tuple[str, str]]]: ...
    def made(self, slot: int) -> Ref: ...
    def definition(self) -> dict: ...


@dataclass
class Graph:
    """Nodes, notes and groups of one workflow."""

    name: str
    nodes: dict = field(default_factory=dict)
    groups: list = field(default_factory=list)
    files: dict = field(default_factory=dict)  # node key -> where to get the file it asks for
    bypassed: set = field(default_factory=set)  # keys of nodes that are there and let what they get pass through
    first: int = (
        1  # the first node's id: in newer front ends no two nodes of a workflow may share one, subgraphs included
    )
    extra: dict = field(default_factory=dict)  # what the pack's own scripts read
    collapsed: set = field(default_factory=set)  # keys of nodes of which only the title is shown

    def node(
        self, key: str, kind: str, at: tuple | None = None, size: tuple | None = None, /, title: str = "", **inputs
    ) -> Graph:
        self.nodes[key] = {"kind": kind, "at": at, "size": size, "title": title, "inputs": inputs}
        return self

    def inside(self, key: str, part: Part, /, title: str = "", **inputs) -> Graph:
        """A subgraph node: ``inputs`` by the names of the part's ends, the values of its dials among them."""
        self.node(key, part.kind, title=title or part.name, **inputs)
        self.nodes[key]["part"] = part
        part.graph.first = 100 * self.ids()[key] + 1
        return self

    def note(self, key: str, at: tuple, size: tuple, text: str, title: str = "Read me") -> Graph:
        self.nodes[key] = {"kind": "MarkdownNote", "at": at, "size": size, "title": title, "inputs": {}, "text": text}
        return self

    def group(self, title: str, at: tuple, size: tuple, color: str = "#3f789e") -> Graph:
        self.groups.append({"title": title, "at": at, "size": size, "color": color})
        return self

    def ids(self) -> dict[str, int]:
        return {key: self.first + i for i, key in enumerate(self.nodes)}

    def _known(self) -> dict[str, Schema]:
        return schemas() | {node["kind"]: node["part"].schema() for node in self.nodes.values() if "part" in node}

    def api(self) -> dict:
        """As ComfyUI's /prompt takes it: without the bypassed nodes, what is in subgraphs by "node:node inside"."""
        return self._flat("", {})

    def _flat(self, before: str, given: dict[tuple[str, str], object]) -> dict:
        """The nodes with their ids behind ``before``; ``given``: what comes in from outside, (node, input) -> value."""
        ids, known, out = self.ids(), self._known(), {}
        for key, node in self.nodes.items():
            if node["kind"] in NOTES or key in self.bypassed:
                continue
            inputs = {}
            for item in known[node["kind"]].inputs:
                value = node["inputs"].get(item.name, _default(item) if item.is_widget else None)
                value = given.get((key, item.name), value)
                if isinstance(value, Ref):
                    inputs[item.name] = self._origin(value, before)
                elif value is not None or item.is_widget:
                    inputs[item.name] = value
            if "part" in node:
                part = node["part"]
                inner = {end: inputs[name] for name, ends in part.ends().items() if name in inputs for end in ends}
                out |= part.graph._flat(f"{before}{ids[key]}:", inner)
                continue
            meta = {"title": self._title(node)}
            out[f"{before}{ids[key]}"] = {"inputs": inputs, "class_type": node["kind"], "_meta": meta}
        return out

    def _origin(self, ref: Ref, before: str) -> list:
        """[id, slot] of the node that makes an output, inside of subgraphs too."""
        ref = self._through(ref)
        node, number = self.nodes[ref.key], self.ids()[ref.key]
        if "part" in node:
            return node["part"].graph._origin(node["part"].made(ref.slot), f"{before}{number}:")
        return [f"{before}{number}", ref.slot]

    def _through(self, ref: Ref) -> Ref:
        """Where an output comes from, bypassed nodes passing on their input of its kind, as in the front end."""
        while ref.key in self.bypassed:
            node = self.nodes[ref.key]
            schema = schemas()[node["kind"]]
            ref = next(node["inputs"][i.name] for i in schema.inputs if i.kind == schema.outputs[ref.slot])
        return ref

    @staticmethod
    def _title(node: dict) -> str:
        return node["title"] or load_pack().NODE_DISPLAY_NAME_MAPPINGS.get(node["kind"], node["kind"])

    def ui(self) -> dict:
        """As the front end saves it."""
        ids, known, links, nodes = self.ids(), self._known(), [], []
        outgoing: dict[tuple, list] = {}
        for order, (key, node) in enumerate(self.nodes.items()):
            entry = {
                "id": ids[key],
                "type": node["kind"],
                "pos": list(node["at"]),
                "size": list(node["size"]),
                "flags": {"collapsed": True} if key in self.collapsed else {},
                "order": order,
                "mode": BYPASSED if key in self.bypassed else 0,
                "inputs": [],
                "outputs": [],
                "properties": {"Node name for S&R": node["kind"]},
                "widgets_values": [],
            }
            if node["title"]:
                entry["title"] = node["title"]
            if key in self.files:
                entry["properties"]["models"] = [self.files[key]]
            nodes.append(entry)
            if node["kind"] in NOTES:
                entry["properties"], entry["widgets_values"] = {}, [node["text"]]
                entry["color"], entry["bgcolor"] = "#4a3a1e", "#241d10"  # links can be read on it too
                continue
            if "part" in node:
                entry["properties"] = {"proxyWidgets": [["-1", name] for name in node["part"].widgets]}
            schema = known[node["kind"]]
            unknown = set(node["inputs"]) - {item.name for item in schema.inputs}
            if unknown:
                raise ValueError(f"{self.name}: {node['kind']} has no input {', '.join(sorted(unknown))}")
            for item in sorted(schema.inputs, key=lambda i: i.is_widget):
                value = node["inputs"].get(item.name)
                slot = {"name": item.name, "type": item.kind, "link": None}
                if item.is_widget:
                    slot["widget"] = {"name": item.name}
                elif not item.required:
                    slot["shape"] = 7
                if isinstance(value, Ref):
                    origin = self.nodes[value.key]
                    kind = known[origin["kind"]].outputs[value.slot]
                    link = [len(links) + 1, ids[value.key], value.slot, ids[key], len(entry["inputs"]), kind]
                    links.append(link)
                    outgoing.setdefault((value.key, value.slot), []).append(link[0])
                    slot["link"] = link[0]
                entry["inputs"].append(slot)
            for item in schema.inputs:
                if item.is_widget:
                    value = node["inputs"].get(item.name, _default(item))
                    entry["widgets_values"].append(_default(item) if isinstance(value, Ref) else value)
                    if item.has_control:
                        entry["widgets_values"].append("fixed")
        for key, entry in zip(self.nodes, nodes, strict=True):
            if entry["type"] not in NOTES:
                schema = known[entry["type"]]
                for slot, (kind, name) in enumerate(zip(schema.outputs, schema.output_names, strict=True)):
                    entry["outputs"].append({"name": name, "type": kind, "links": outgoing.get((key, slot))})
        parts = [node["part"].definition() for node in self.nodes.values() if "part" in node]
        return {
            "id": str(uuid.uuid5(uuid.NAMESPACE_URL, "sdedit-nodes/" + self.name)),
            "revision": 0,
            "last_node_id": max(node["id"] for node in nodes),
            "last_link_id": len(links),
            "nodes": nodes,
            "links": links,
            "groups": [
                {
                    "id": i + 1,
                    "title": g["title"],
                    "bounding": [*g["at"], *g["size"]],
                    "color": g["color"],
                    "font_size": 21,
                    "flags": {},
                }
                for i, g in enumerate(self.groups)
            ],
            **({"definitions": {"subgraphs": parts}} if parts else {}),
            "config": {},
            "extra": self.extra,
            "version": 0.4,
        }

    def write(self) -> None:
        for path, data in ((WORKFLOWS, self.ui()), (WORKFLOWS / "api", self.api())):
            path.mkdir(parents=True, exist_ok=True)
            text = json.dumps(data, indent=1, ensure_ascii=False) + "\n"
            (path / f"{self.name}.json").write_text(text, encoding="utf-8")


def _default(item: Input) -> object:
    if "default" in item.options:
        return item.options["default"]
    return item.choices[0] if item.choices else {"INT": 0, "FLOAT": 0.0, "BOOLEAN": False}.get(item.kind, "")


def ui_to_api(workflow: dict) -> dict:
    """What the front end sends for a UI file."""
    parts = {part["id"]: part for part in workflow.get("definitions", {}).get("subgraphs", [])}
    return _sent(workflow, parts, "", {})


def _sent(graph: dict, parts: dict, before: str, given: dict[int, object]) -> dict:
    """The nodes of one level; ``given``: what each input of a subgraph gets from outside, by its slot."""
    known, out = schemas(), {}
    links = {link["id"]: link for link in map(_link, graph["links"])}
    nodes = {node["id"]: node for node in graph["nodes"]}

    def origin(link: dict) -> object:
        """What feeds a link: [id, slot], past bypassed nodes and in subgraphs, or a value from outside."""
        if link["origin_id"] == INPUT:
            return given[link["origin_slot"]]
        node, slot = nodes[link["origin_id"]], link["origin_slot"]
        if node["mode"] == BYPASSED:
            return origin(next(links[s["link"]] for s in node["inputs"] if s["type"] == link["type"]))
        prefix, part = f"{before}{node['id']}", parts.get(node["type"])
        while part:
            inner = {one["id"]: one for one in part["links"]}[part["outputs"][slot]["linkIds"][0]]
            node = next(n for n in part["nodes"] if n["id"] == inner["origin_id"])
            slot, prefix, part = inner["origin_slot"], f"{prefix}:{node['id']}", parts.get(node["type"])
        return [prefix, slot]

    for node in graph["nodes"]:
        if node["type"] in NOTES or node["mode"] in (MUTED, BYPASSED):
            continue
        linked = {slot["name"]: origin(links[slot["link"]]) for slot in node["inputs"] if slot["link"] is not None}
        if node["type"] in parts:
            shown = [name for _, name in node["properties"]["proxyWidgets"]]
            values = dict(zip(shown, node["widgets_values"], strict=True)) | linked
            inner = {i: values.get(end["name"]) for i, end in enumerate(parts[node["type"]]["inputs"])}
            out |= _sent(parts[node["type"]], parts, f"{before}{node['id']}:", inner)
            continue
        values, inputs = list(node["widgets_values"]), {}
        for item in known[node["type"]].inputs:
            if item.is_widget:
                inputs[item.name] = values.pop(0)
                if item.has_control:
                    values.pop(0)
            if linked.get(item.name) is not None:
                inputs[item.name] = linked[item.name]
        out[f"{before}{node['id']}"] = {"class_type": node["type"], "inputs": inputs}
    return out


def _link(link: list | dict) -> dict:
    """A link of a workflow, a list, as those of subgraphs are written."""
    return link if isinstance(link, dict) else dict(zip(LINK, link, strict=True))
