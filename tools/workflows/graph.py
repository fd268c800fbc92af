"""Workflows as Python: one description, written as the UI file and as its API twin."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass, field
from pathlib import Path

from pack import ROOT, load_pack

WORKFLOWS = ROOT / "workflows"
WIDGETS = ("INT", "FLOAT", "STRING", "BOOLEAN", "COMBO")
NOTES = ("MarkdownNote", "Note")
MUTED, BYPASSED = 2, 4  # modes of a node, as the front end numbers them


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


@dataclass
class Graph:
    """Nodes, notes and groups of one workflow."""

    name: str
    nodes: dict = field(default_factory=dict)
    groups: list = field(default_factory=list)
    files: dict = field(default_factory=dict)  # node key -> where to get the file it asks for
    bypassed: set = field(default_factory=set)  # keys of nodes that are there and let what they get pass through

    def node(
        self, key: str, kind: str, at: tuple | None = None, size: tuple | None = None, /, title: str = "", **inputs
    ) -> Graph:
        self.nodes[key] = {"kind": kind, "at": at, "size": size, "title": title, "inputs": inputs}
        return self

    def note(self, key: str, at: tuple, size: tuple, text: str, title: str = "Read me") -> Graph:
        self.nodes[key] = {"kind": "MarkdownNote", "at": at, "size": size, "title": title, "inputs": {}, "text": text}
        return self

    def group(self, title: str, at: tuple, size: tuple, color: str = "#3f789e") -> Graph:
        self.groups.append({"title": title, "at": at, "size": size, "color": color})
        return self

    def _ids(self) -> dict[str, int]:
        return {key: i + 1 for i, key in enumerate(self.nodes)}

    def api(self) -> dict:
        """As ComfyUI's /prompt takes it, without the bypassed nodes."""
        ids, known, out = self._ids(), schemas(), {}
        for key, node in self.nodes.items():
            if node["kind"] in NOTES or key in self.bypassed:
                continue
            inputs = {}
            for item in known[node["kind"]].inputs:
                value = node["inputs"].get(item.name, _default(item) if item.is_widget else None)
                if isinstance(value, Ref):
                    origin = self._through(value)
                    inputs[item.name] = [str(ids[origin.key]), origin.slot]
                elif item.is_widget:
                    inputs[item.name] = value
            out[str(ids[key])] = {"inputs": inputs, "class_type": node["kind"], "_meta": {"title": self._title(node)}}
        return out

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
        ids, known, links, nodes = self._ids(), schemas(), [], []
        outgoing: dict[tuple, list] = {}
        for order, (key, node) in enumerate(self.nodes.items()):
            entry = {
                "id": ids[key],
                "type": node["kind"],
                "pos": list(node["at"]),
                "size": list(node["size"]),
                "flags": {},
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
                entry["color"], entry["bgcolor"] = "#432", "#653"
                continue
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
        return {
            "id": str(uuid.uuid5(uuid.NAMESPACE_URL, "sdedit-nodes/" + self.name)),
            "revision": 0,
            "last_node_id": len(nodes),
            "last_link_id": len(links),
            "nodes": nodes,
            "links": links,
            "groups": [
                {
                    "id": i + 1,
                    "title": g["title"],
                    "bounding": [*g["at"], *g["size"]],
                    "color": g["color"],
                    "font_size": 24,
                    "flags": {},
                }
                for i, g in enumerate(self.groups)
            ],
            "config": {},
            "extra": {},
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
    known, out = schemas(), {}
    links = {link[0]: link for link in workflow["links"]}
    nodes = {node["id"]: node for node in workflow["nodes"]}

    def origin(link: list) -> list:
        """The link that feeds a link, past bypassed nodes."""
        node = nodes[link[1]]
        if node["mode"] != BYPASSED:
            return link
        return origin(next(links[slot["link"]] for slot in node["inputs"] if slot["type"] == link[5]))

    for node in workflow["nodes"]:
        if node["type"] in NOTES or node["mode"] in (MUTED, BYPASSED):
            continue
        values = list(node["widgets_values"])
        linked = {slot["name"]: origin(links[slot["link"]]) for slot in node["inputs"] if slot["link"] is not None}
        inputs = {}
        for item in known[node["type"]].inputs:
            if item.is_widget:
                inputs[item.name] = values.pop(0)
                if item.has_control:
                    values.pop(0)
            if item.name in linked:
                inputs[item.name] = [str(linked[item.name][1]), linked[item.name][2]]
        out[str(node["id"])] = {"class_type": node["type"], "inputs": inputs}
    return out
