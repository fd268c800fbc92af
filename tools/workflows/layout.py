"""Places the nodes of a workflow: groups of columns, every node with the room that it takes in either rendering."""

from __future__ import annotations

import re
from dataclasses import dataclass

from .graph import NOTES, Graph

BLUE, GREEN, PURPLE = "#3f789e", "#3f9e5a", "#7a5a9e"
TITLE, GAP, MARGIN, BETWEEN = 30, 34, 24, 36
TOP = 70  # a group's own title
# Height of the body, measured: the taller of classic and Nodes 2.0, with all its widgets, and the picture that some
# nodes show during or after the run.
BODY = {
    "CFGGuider": 130,
    "CLIPLoader": 135,
    "CLIPTextEncode": 130,
    "CheckpointLoaderSimple": 160,
    "CreateVideo": 160,
    "DisableNoise": 50,
    "FluxGuidance": 110,
    "GetVideoComponents": 140,
    "GrowMask": 110,
    "ImageBlur": 115,
    "ImageCompositeMasked": 190,
    "ImageFromBatch": 115,
    "ImageScale": 190,
    "ImageToMask": 82,
    "KSamplerSelect": 82,
    "LoadVideo": 330,
    "LoraLoaderModelOnly": 106,
    "MaskToImage": 50,
    "ModelSamplingAuraFlow": 78,
    "ModelSamplingSD3": 78,
    "PreviewAny": 220,
    "PreviewImage": 320,
    "SDEdit_AddVENoise": 190,
    "SDEdit_EditReport": 150,
    "SDEdit_ExampleGuide": 250,
    "SDEdit_FitImage": 230,
    "SDEdit_ReverseSDESampler": 620,
    "SDEdit_ScoreModelFromImages": 240,
    "SDEdit_ScoreModelLoader": 390,
    "SDEdit_SigmasFromT0": 200,
    "SDEdit_SimulateStrokes": 200,
    "SDEdit_StrokeCanvas": 640,
    "SDEdit_T0Probe": 580,
    "SDEdit_T0Sweep": 760,
    "SDEdit_UnfitImage": 120,
    "SamplerCustomAdvanced": 430,
    "SaveImage": 520,
    "SaveVideo": 420,
    "SplitSigmas": 100,
    "UNETLoader": 108,
    "VAEDecode": 76,
    "VAEEncode": 76,
    "VAELoader": 82,
}


@dataclass
class Column:
    """Nodes below one another, all of one width; ``heights`` where the usual height is not wanted."""

    width: int
    keys: list[str]
    heights: dict[str, int]


def column(width: int, *keys: str, **heights: int) -> Column:
    return Column(width, list(keys), heights)


def arrange(g: Graph, *groups: tuple[str, str, list[Column]]) -> Graph:
    """Put groups of columns side by side, all groups of one height; a note in no column stands to the left of them."""
    x, bottom, boxes = 0, 0, []
    for title, color, columns in groups:
        left = x
        for one in columns:
            y = TOP + TITLE
            for key in one.keys:
                node = g.nodes[key]
                height = one.heights.get(key) or (
                    note_room(node, one.width) if node["kind"] in NOTES else BODY[node["kind"]]
                )
                node["at"], node["size"] = (x + MARGIN, y), (one.width, height)
                y += height + TITLE + GAP
            bottom = max(bottom, y - TITLE - GAP)
            x += one.width + BETWEEN
        boxes.append((title, color, left, x - left - BETWEEN + 2 * MARGIN))
        x += MARGIN * 2 - BETWEEN + 20
    for title, color, left, width in boxes:
        g.group(title, (left, 0), (width, bottom + MARGIN), color)
    missing = [key for key, node in g.nodes.items() if node["at"] is None]
    if missing:
        raise ValueError(f"{g.name}: not placed: {', '.join(missing)}")
    return g


def note_room(node: dict, width: int) -> int:
    """Height of a note in a column of this width."""
    return note_height(node["text"], columns=width // 7)


def note_height(text: str, columns: int = 40) -> int:
    """Room for a Markdown note, 400 wide for 40 ``columns``, in the larger of the two renderings; links by name."""
    text = re.sub(r"\]\([^)]*\)", "]", text)
    height = 60
    for line in text.split("\n"):
        height += 14 if not line else 30 * -(-len(line) // columns) if line.startswith("#") else 0
        height += 0 if not line or line.startswith("#") else 8 + 21 * -(-len(line) // columns)
    return height
