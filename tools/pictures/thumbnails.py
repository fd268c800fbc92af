"""Writes workflows/*.jpg, from real runs in a running ComfyUI.

The picture a workflow saves, with its guide inset at the lower left, the one corner where no version of the template
browser puts a badge; an oblong one whole, with its guide below; a sheet stands alone, whole.  A workflow that wants
files of a model that is not here shows its guide, and one that wants a video the example that stands for one; both say
so.  A cut-out that is dragged has an arrow.
"""

import argparse
import io
import json
import urllib.parse

from PIL import Image, ImageDraw, ImageFont, ImageOps

from comfy_client import Client
from pack import ROOT

WORKFLOWS = ROOT / "workflows"
SIDE, INSET, BORDER, MARGIN, BAND = 512, 150, 4, 12, 64
PAPER = (24, 24, 27)
NO_INSET = {"May change"}  # titles of previews that show a mask
FILES, CANVAS, SHOWN = ("CheckpointLoaderSimple", "UNETLoader"), "SDEdit_StrokeCanvas", ("PreviewImage", "SaveImage")
VIDEO = {  # what stands for a video of the user's own
    "1": {"class_type": "SDEdit_ExampleGuide", "inputs": {"name": "lake", "width": 512, "height": 512}},
    "2": {"class_type": "PreviewImage", "inputs": {"images": ["1", 2]}, "_meta": {"title": "Video"}},
}
DRAGGED = {  # and for one with a cut-out that moves
    "1": {"class_type": "SDEdit_ExampleGuide", "inputs": {"name": "edit: night-moon", "width": 512, "height": 512}},
    "2": {"class_type": "PreviewImage", "inputs": {"images": ["1", 0]}, "_meta": {"title": "Video"}},
}
PATH = ((278, 100), (170, 40), (104, 176))  # of that cut-out, in the thumbnail: a quadratic curve


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="make.py thumbnails", description=__doc__)
    parser.add_argument("address", help="of a ComfyUI that runs here: http://127.0.0.1:8188")
    parser.add_argument("names", nargs="*", help="file names without .json; default all")
    args = parser.parse_args(arguments)
    client = Client(urllib.parse.urlparse(args.address).port, None)
    for path in sorted((WORKFLOWS / "api").glob("*.json")):
        if args.names and path.stem not in args.names:
            continue
        graph = json.loads(path.read_text(encoding="utf-8"))
        for key in [key for key, node in graph.items() if node["class_type"] == CANVAS]:
            preview = {"class_type": "PreviewImage", "inputs": {"images": [key, 0]}, "_meta": {"title": "Painting"}}
            graph[f"9{key}"] = preview
        own = any(node["class_type"] in FILES for node in graph.values())
        videos = sum(node["class_type"] == "LoadVideo" for node in graph.values())
        graph = (None, VIDEO, DRAGGED)[videos] if videos else runnable(graph) if own else graph
        run = client.run(graph, timeout=3600)
        if run.status != "success":
            raise SystemExit(f"{path.stem}: {run.error}")
        shown = {key: out["images"][0] for key, out in run.outputs.items() if "images" in out}
        guides = [k for k in sorted(shown, key=place) if graph[k]["_meta"]["title"] not in NO_INSET]
        model = path.stem.split(",")[0].split(" ", 1)[1]
        words = ("the guide, for ", "your video, for ", "a cut-out dragged, with ")[videos] + model
        picture = captioned(client, shown[guides[0]], words) if own else result(client, graph, shown, guides)
        if videos > 1:
            arrow(picture)
        picture.save(WORKFLOWS / f"{path.stem}.jpg", quality=88, optimize=True)


def place(key: str) -> list[int]:
    """Where a node stands among the others, and in its subgraphs."""
    return [int(part) for part in key.split(":")]


def runnable(graph: dict) -> dict:
    """The nodes that the previews need, when those need no files."""

    def needed(key: str) -> set[str]:
        sources = [value[0] for value in graph[key]["inputs"].values() if isinstance(value, list)]
        return {key}.union(*map(needed, sources))

    wanted: set[str] = set()
    for key, node in graph.items():
        if node["class_type"] in SHOWN and not any(graph[k]["class_type"] in FILES for k in needed(key)):
            wanted |= needed(key)
    return {key: node for key, node in graph.items() if key in wanted}


def result(client: Client, graph: dict, shown: dict, guides: list[str]) -> Image.Image:
    saved = next(key for key in shown if graph[key]["class_type"] == "SaveImage")
    whole = open_picture(client, shown[saved])
    if whole.width > 2 * whole.height or len(guides) > 4:
        return ImageOps.pad(whole, (SIDE, SIDE), Image.Resampling.LANCZOS, PAPER)
    if whole.width > 1.4 * whole.height:
        return oblong(whole, open_picture(client, shown[guides[0]]))
    picture = ImageOps.fit(whole, (SIDE, SIDE), Image.Resampling.LANCZOS)
    for i, guide in enumerate(key for key in guides if key != saved):
        inset = ImageOps.fit(open_picture(client, shown[guide]), (INSET, INSET), Image.Resampling.LANCZOS)
        inset = ImageOps.expand(inset, BORDER, "white")
        picture.paste(inset, (MARGIN + i * (inset.width + MARGIN), SIDE - MARGIN - inset.height))
    return picture


def oblong(whole: Image.Image, guide: Image.Image) -> Image.Image:
    picture = Image.new("RGB", (SIDE, SIDE), PAPER)
    height = round(SIDE * whole.height / whole.width)
    picture.paste(whole.resize((SIDE, height), Image.Resampling.LANCZOS), (0, 0))
    inset = ImageOps.contain(guide, (SIDE, SIDE - height - 2 * MARGIN), Image.Resampling.LANCZOS)
    picture.paste(inset, (MARGIN, height + MARGIN))
    return picture


def arrow(picture: Image.Image) -> None:
    draw, curve = ImageDraw.Draw(picture), []
    for k in range(25):
        t = k / 24
        weights = (1 - t) ** 2, 2 * t * (1 - t), t * t
        curve.append(tuple(sum(w * point[i] for w, point in zip(weights, PATH, strict=True)) for i in (0, 1)))
    before, end = curve[-2:]
    draw.line(curve, fill="white", width=6, joint="curve")
    way = [b - a for a, b in zip(before, end, strict=True)]
    length = 22 / (way[0] ** 2 + way[1] ** 2) ** 0.5
    along, aside = [v * length for v in way], [-way[1] * length, way[0] * length]
    tip = [e + a for e, a in zip(end, along, strict=True)]
    sides = [[e + s * 0.7 * a for e, a in zip(end, aside, strict=True)] for s in (1, -1)]
    draw.polygon([tuple(tip), *map(tuple, sides)], fill="white")


def captioned(client: Client, entry: dict, words: str) -> Image.Image:
    picture = ImageOps.fit(open_picture(client, entry), (SIDE, SIDE), Image.Resampling.LANCZOS)
    draw = ImageDraw.Draw(picture)
    draw.rectangle((0, SIDE - BAND, SIDE, SIDE), fill=PAPER)
    start = (2 * MARGIN, SIDE - BAND / 2)
    draw.text(start, words, fill="white", anchor="lm", font=ImageFont.load_default(size=23))
    return picture


def open_picture(client: Client, entry: dict) -> Image.Image:
    return Image.open(io.BytesIO(client.view(entry))).convert("RGB")
