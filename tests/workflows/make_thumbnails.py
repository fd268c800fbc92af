"""Maintainer tool: python make_thumbnails.py http://127.0.0.1:8188 [names]  ->  workflows/*.jpg from real runs.

The picture a workflow saves, with its guide (what the Preview Image nodes show) inset; a sheet stands alone, whole.
"""

import io
import json
import sys
import urllib.parse
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "host"))

from comfy_client import Client
from PIL import Image, ImageOps

WORKFLOWS = Path(__file__).parents[2] / "workflows"
SIDE, INSET, BORDER, MARGIN = 512, 150, 4, 12
PAPER = (24, 24, 27)
NO_INSET = "May change"  # title of previews that show a mask


def main() -> None:
    url = urllib.parse.urlparse(sys.argv[1])
    client = Client(url.port, None)
    for path in sorted((WORKFLOWS / "api").glob("*.json")):
        if len(sys.argv) > 2 and path.stem not in sys.argv[2:]:
            continue
        graph = json.loads(path.read_text(encoding="utf-8"))
        if any(node["class_type"] == "CheckpointLoaderSimple" for node in graph.values()):
            continue  # needs a file that is not here
        run = client.run(graph, timeout=3600)
        if run.status != "success":
            raise SystemExit(f"{path.stem}: {run.error}")
        shown = {key: out["images"][0] for key, out in run.outputs.items() if "images" in out}
        saved = next(key for key in shown if graph[key]["class_type"] == "SaveImage")
        guides = [k for k in sorted(shown, key=int) if k != saved and graph[k]["_meta"]["title"] != NO_INSET]
        picture = square(client, shown[saved], SIDE)
        whole = Image.open(io.BytesIO(client.view(shown[saved]))).convert("RGB")
        if whole.width > whole.height:
            picture, guides = ImageOps.pad(whole, (SIDE, SIDE), Image.Resampling.LANCZOS, PAPER), []
        for i, guide in enumerate(guides):
            inset = ImageOps.expand(square(client, shown[guide], INSET), BORDER, "white")
            picture.paste(inset, (MARGIN, MARGIN + i * (inset.height + MARGIN)))
        picture.save(WORKFLOWS / f"{path.stem}.jpg", quality=88, optimize=True)


def square(client: Client, entry: dict, side: int) -> Image.Image:
    image = Image.open(io.BytesIO(client.view(entry))).convert("RGB")
    return ImageOps.fit(image, (side, side), Image.Resampling.LANCZOS)


if __name__ == "__main__":
    main()
