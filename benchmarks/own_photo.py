"""A photo edited with itself as the model: does the edit stay when the mask is left out of the model?

    python benchmarks/own_photo.py -o own_photo/

Three photos of scikit-image and scikit-learn (installed, or in --photos FOLDER), and three edits of each: a stroke, a
pasted piece of the photo, and something painted over with the colour around it.  For every t0, with the whole photo
as the model and without what the mask opens: RMS to the photo as it was and to the guide inside the mask, in 255ths
(near 0 to the photo = the edit was undone), and the seam (see seam.py; 1 = as in the photo), as it comes from the
sampler and as Unfit Image puts it back with the untouched photo as `original`.  One sheet a photo.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
import torch.nn.functional as F
from seam import seam_of
from seam_edits import ellipse, find_photos, photo

from sdedit_core import sdedit
from sdedit_core.load import score_model_from_images
from sdedit_core.pictures.fit import fit_image, unfit_image
from sdedit_core.pictures.sheet import contact_sheet

Colour = tuple[float, float, float]
T0 = (0.3, 0.45, 0.55)
FEATHER = 4  # pixels, as the node has it
# x, y, half width, half height in shares of the side
STROKES: dict[str, tuple[tuple[float, float, float, float], Colour]] = {
    "chelsea.png": ((0.55, 0.16, 0.16, 0.035), (0.22, 0.12, 0.07)),
    "china.jpg": ((0.76, 0.64, 0.13, 0.05), (0.17, 0.24, 0.10)),
    "flower.jpg": ((0.28, 0.68, 0.13, 0.11), (0.01, 0.20, 0.22)),
}
REMOVED: dict[str, tuple[tuple[float, float, float, float], Colour]] = {
    "chelsea.png": ((0.32, 0.385, 0.14, 0.13), (0.70, 0.57, 0.44)),
    "china.jpg": ((0.23, 0.17, 0.19, 0.19), (0.83, 0.88, 0.95)),
    "flower.jpg": ((0.60, 0.93, 0.16, 0.11), (0.01, 0.18, 0.20)),
}
# from x, y; to x, y; half width, half height there; enlargement
PASTED = {
    "chelsea.png": (0.32, 0.385, 0.57, 0.15, 0.11, 0.11, 1.0),
    "china.jpg": (0.23, 0.25, 0.76, 0.50, 0.13, 0.17, 0.7),
    "flower.jpg": (0.47, 0.52, 0.15, 0.20, 0.13, 0.13, 0.38),
}


def painted(image: torch.Tensor, at: tuple[float, float, float, float], colour: Colour) -> tuple:
    """(guide, mask): a flat ellipse, and a mask a little wider."""
    size = image.shape[-1]
    x, y, rx, ry = at
    spot = ellipse(size, x, y, rx, ry)
    guide = image * (1 - spot) + torch.tensor(colour).view(1, 3, 1, 1) * spot
    return guide, ellipse(size, x, y, rx + 0.03, ry + 0.03)


def pasted(image: torch.Tensor, x0: float, y0: float, x: float, y: float, rx: float, ry: float, scale: float) -> tuple:
    """(guide, mask): a piece of the picture around (x0, y0) again around (x, y), at another size."""
    size = image.shape[-1]
    at = (torch.arange(size) + 0.5) / size
    grid = torch.stack([(at - x) / scale + x0, (at - y) / scale + y0])
    places = torch.stack(torch.meshgrid(grid[1], grid[0], indexing="ij"), -1).flip(-1) * 2 - 1
    moved = F.grid_sample(image, places[None], mode="bicubic", align_corners=False, padding_mode="border").clamp(0, 1)
    spot = ellipse(size, x, y, rx, ry)
    return image * (1 - spot) + moved * spot, ellipse(size, x, y, rx + 0.02, ry + 0.02)


def edits(image: torch.Tensor, name: str) -> dict[str, tuple[torch.Tensor, torch.Tensor]]:
    """Name -> (guide, mask)."""
    return {
        "stroke": painted(image, *STROKES[name]),
        "paste": pasted(image, *PASTED[name]),
        "remove": painted(image, *REMOVED[name]),
    }


def put_back(result: torch.Tensor, guide: torch.Tensor, mask: torch.Tensor, image: torch.Tensor) -> torch.Tensor:
    """As Unfit Image does with the photo as `original`: the edit fades into it, inside of the mask."""
    return unfit_image(result, fit_image(guide, mask).undo, image, feather=FEATHER)


def rms(a: torch.Tensor, b: torch.Tensor, mask: torch.Tensor) -> float:
    """In 255ths, where the mask is open."""
    return 255 * float(((a - b).square() * mask).sum() / (3 * mask.sum())) ** 0.5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-o", "--output", default="own_photo", metavar="FOLDER")
    parser.add_argument("--photos", metavar="FOLDER", help="where chelsea.png, china.jpg and flower.jpg are")
    parser.add_argument("--names", default=",".join(STROKES))
    parser.add_argument("--size", type=int, default=192)
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--palette-freedom", type=float, default=0.03, help="where the mask is left out")
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    out = Path(args.output)
    out.mkdir(parents=True, exist_ok=True)
    places = find_photos(args.photos)
    for name in args.names.split(","):
        image = photo(places, name, args.size)
        cells, labels = [], []
        for edit, (guide, mask) in edits(image, name).items():
            was, plain = rms(image, guide, mask), seam_of(image, mask)
            for kind, leave_out in (("whole photo", None), ("mask left out", [mask[0, 0]])):
                freedom = 0.0 if leave_out is None else args.palette_freedom
                model = score_model_from_images(image, leave_out=leave_out, palette_freedom=freedom)
                cells.append(guide)
                labels.append(f"{edit}, {kind}")
                for t0 in T0:
                    options = {"t0": t0, "steps": args.steps, "seed": args.seed, "mask": mask}
                    result = sdedit(model, guide, **options).samples.clamp(0, 1)
                    faded = put_back(result, guide, mask, image)
                    cells.append(faded)
                    labels.append(f"t0 {t0:g}, put back")
                    to_photo, to_guide = rms(result, image, mask), rms(result, guide, mask)
                    seams = [seam_of(picture, mask) / plain for picture in (result, faded)]
                    print(
                        f"{name:12s} {edit:7s} {kind:14s} t0 {t0:<5g} to the photo {to_photo:6.1f} (guide {was:.1f}), "
                        f"to the guide {to_guide:5.1f}, seam {seams[0]:.2f}, put back {seams[1]:.2f}",
                        flush=True,
                    )
        contact_sheet(cells, labels, columns=1 + len(T0), cell=args.size).save(out / f"{Path(name).stem}.png")


if __name__ == "__main__":
    main()
