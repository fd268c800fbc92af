"""Places the nodes of a workflow: one rule for all templates, and columns for what is inside of a subgraph.

The front end opens a template so that its nodes take three quarters of the window: in 1600 x 950 pixels a zoom of 0.7
leaves room for WIDTH x HEIGHT units.  Below a zoom of 8 / 14 the classic rendering draws no text; this size stays above
it in a window of 1366 x 768 pixels too.  There ComfyUI's own bars end just above the nodes, and its minimap lies on the
lower right corner: headings are low, and what stands below the result keeps to the left.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from .graph import NOTES, Graph

BLUE, GREEN, PURPLE = "#8fc1e8", "#8fd6a3", "#c4a6ea"
WIDTH, HEIGHT = 1690, 975
SIDE, MIDDLE = 640, 330  # widths: of the painting and of the result, and of what stands between them
# The classic rendering shows no picture larger than it is: beside one of 512 pixels less room makes the rest larger.
SMALL = 540
BETWEEN = (WIDTH - 2 * SIDE - MIDDLE) // 2
TITLE, GAP, FRAME = 30, 16, 14  # FRAME: of a group around its nodes
# Of a group.  Front ends write it with its own size of 21 and that far below its top (1.35), or 20 and 22 below (1.58).
HEADING = 26
MINIMAP = 120  # what it covers of the width of the right column
BADGE = 8  # more room above folded nodes of this pack, where the classic rendering writes its name
# Height of the body: the taller of classic and Nodes 2.0, with all its widgets, and the picture that some nodes show
# during or after the run.
BODY = {
    "CFGGuider": 130,
    "CLIPLoader": 135,
    "CLIPTextEncode": 130,
    "CheckpointLoaderSimple": 120,
    "CreateVideo": 160,
    "DisableNoise": 50,
    "FluxGuidance": 110,
    "GetImageSize": 110,
    "GetVideoComponents": 140,
    "GrowMask": 110,
    "ImageBlur": 115,
    "ImageCompositeMasked": 190,
    "ImageFromBatch": 115,
    "ImagePadForOutpaint": 230,
    "ImageScale": 190,
    "ImageToMask": 82,
    "KSamplerSelect": 82,
    "LoadVideo": 330,
    "LoraLoaderModelOnly": 106,
    "MaskComposite": 160,
    "MaskToImage": 50,
    "ModelSamplingAuraFlow": 78,
    "ModelSamplingSD3": 78,
    "PreviewAny": 220,
    "PreviewImage": 320,
    "SDEdit_AddVENoise": 190,
    "SDEdit_ExampleGuide": 190,
    "SDEdit_FitImage": 290,
    "SDEdit_ReverseSDESampler": 620,
    "SDEdit_ScoreModelFromImages": 240,
    "SDEdit_ScoreModelLoader": 390,
    "SDEdit_SigmasFromT0": 200,
    "SDEdit_SimulateStrokes": 200,
    "SDEdit_StrokeCanvas": 640,
    "SDEdit_T0Map": 470,
    "SDEdit_T0Probe": 580,
    "SDEdit_T0Sweep": 760,
    "SDEdit_UnfitImage": 180,
    "SamplerCustomAdvanced": 430,
    "SaveImage": 520,
    "SaveVideo": 420,
    "SplitSigmas": 100,
    "UNETLoader": 108,
    "VAEDecode": 76,
    "VAEEncode": 76,
    "VAELoader": 82,
    "WanImageToVideo": 260,
}
# What takes the room that is left in a column, and what stands above and below its picture, which is square at most.
BIG = {"SDEdit_StrokeCanvas": 250, "SaveImage": 90, "PreviewImage": 60, "LoadVideo": 0, "SaveVideo": 0}
PREVIEW = 230  # what classic adds to a subgraph node during a run, where the sampler inside shows its picture
Row = str | tuple[str, ...]


def stage(
    g: Graph,
    titles: tuple[str, str, str],
    left: list[Row],
    middle: list[Row],
    right: list[Row],
    *,
    side: int = SIDE,
    **heights: int,
) -> Graph:
    """The painting on the left and the result on the right, large; everything else small between and below them.

    Args:
        titles: of the three groups.
        left: rows of nodes from above: a key, or the keys of nodes side by side.  First what is large: a folded node
            wears the name of its pack above itself, where the heading is.
        side: width of the outer columns.
        heights: where the usual height of a node is not wanted; in both outer columns the first node of a kind in BIG
            without one takes the room that is left.  What is below it on the right is narrower, for the minimap.
    """
    x = 0
    columns = ((left, side), (middle, MIDDLE), (right, side))
    for (rows, width), title, color in zip(columns, titles, (BLUE, GREEN, PURPLE), strict=True):
        used = _column(g, rows, x, width, heights, MINIMAP if color == PURPLE else 0)
        g.group(title, (x - FRAME, -HEADING), (width + 2 * FRAME, used + HEADING + FRAME), color)
        x += width + BETWEEN
    missing = [key for key, node in g.nodes.items() if node["at"] is None]
    if missing:
        raise ValueError(f"{g.name}: not placed: {', '.join(missing)}")
    return g


def _column(g: Graph, rows: list[Row], x: int, width: int, heights: dict[str, int], covered: int = 0) -> int:
    """Place one column, what is below its picture ``covered`` narrower; the height that it takes."""
    lines = [(row,) if isinstance(row, str) else row for row in rows]
    outer = width != MIDDLE
    grows = [k for line in lines for k in line if outer and g.nodes[k]["kind"] in BIG and k not in heights]
    top = next((i for i, line in enumerate(lines) if set(grows[:1]) & set(line)), len(lines))
    each = [_width(width - covered * (i > top), line) for i, line in enumerate(lines)]
    tall = {
        key: heights.get(key) or _height(g, key, wide) for line, wide in zip(lines, each, strict=True) for key in line
    }
    if grows:
        tall[grows[0]] = 0
        rest = HEIGHT - sum(_above(g, line) + max(tall[key] for key in line) + GAP for line in lines) + GAP
        tall[grows[0]] = min(rest, width + BIG[g.nodes[grows[0]]["kind"]])
    y = 0
    for line, wide in zip(lines, each, strict=True):
        y += _above(g, line)
        for i, key in enumerate(line):
            node = g.nodes[key]
            node["at"], node["size"] = (x + i * (wide + GAP), y), (wide, tall[key])
        y += max(tall[key] for key in line) + GAP
    part = g.nodes[lines[-1][0]] if "part" in g.nodes[lines[-1][0]] else None
    if part and not outer:
        room = min(PREVIEW, HEIGHT - (y - GAP))
        part["size"], y = (part["size"][0], part["size"][1] + room), y + room
    if y - GAP > HEIGHT:
        raise ValueError(f"{g.name}: a column of {y - GAP} units is higher than {HEIGHT}: {rows}")
    return y - GAP


def _above(g: Graph, line: tuple[str, ...]) -> int:
    """From the gap above a row to the bodies of its nodes."""
    return TITLE + BADGE * any(key in g.collapsed and g.nodes[key]["kind"].startswith("SDEdit_") for key in line)


def _width(width: int, line: tuple[str, ...]) -> int:
    return (width - GAP * (len(line) - 1)) // len(line)


def _height(g: Graph, key: str, width: int) -> int:
    node = g.nodes[key]
    if key in g.collapsed:
        return 0
    if node["kind"] in NOTES:
        return note_height(node["text"], width)
    if "part" in node:
        part = node["part"]
        return 60 + 20 * max(len(part.sockets), len(part.outputs)) + 28 * len(part.widgets)
    return BODY[node["kind"]]


@dataclass
class Column:
    """Nodes below one another, all of one width."""

    width: int
    keys: list[str]


def column(width: int, *keys: str) -> Column:
    return Column(width, list(keys))


def arrange(g: Graph, *columns: Column) -> Graph:
    """Columns side by side, for the inside of a subgraph: every node with all the room that it may take."""
    x = 0
    for one in columns:
        y = 0
        for key in one.keys:
            node = g.nodes[key]
            height = BODY[node["kind"]]
            node["at"], node["size"] = (x, y + TITLE), (one.width, height)
            y += height + TITLE + 34
        x += one.width + 80
    missing = [key for key, node in g.nodes.items() if node["at"] is None]
    if missing:
        raise ValueError(f"{g.name}: not placed: {', '.join(missing)}")
    return g


def note_height(text: str, width: int) -> int:
    """Room for a Markdown note in the larger of the two renderings; links by name."""
    columns = round(width / 6.6)
    text = re.sub(r"\]\([^)]*\)", "]", text).replace("**", "")
    height = 24
    for line in text.split("\n"):
        height += 4 if not line else 28 * -(-len(line) // columns) if line.startswith("#") else 0
        height += 0 if not line or line.startswith("#") else 8 + 17 * -(-len(line) // columns)
    return height
