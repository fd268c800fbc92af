"""A small thing in a large photo, with --crop and without: docs/images/small-object.jpg.

    python benchmarks/small_object.py -o docs/images/small-object.jpg        # minutes

A galaxy of 40 pixels is painted in three flat strokes into the Hubble eXtreme Deep Field (NASA, ESA; it comes with
scikit-image) at 1024 px.  The model is the photo without what the mask opens.  Without a crop it is worked on at
512 px, as ``sdedit edit`` does by itself, with one at its own scale in a window.
"""

from __future__ import annotations

import argparse
import math
import time

import torch
import torch.nn.functional as F
from seam_edits import find_photos, laid, own, photo

from sdedit_core import sdedit
from sdedit_core.model import ScoreModel
from sdedit_core.pictures.fit import AROUND, fit, fit_image, unfit_image
from sdedit_core.pictures.io import save_pil
from sdedit_core.pictures.sheet import contact_sheet

SIZE, WORKING, AT, TILT = 1024, 512, (640, 205), -0.5
STROKES = ((20, 12, (0.36, 0.24, 0.18)), (13, 8, (0.66, 0.47, 0.35)), (6, 4, (0.98, 0.88, 0.72)))
VIEW, ENLARGED = 60, 360  # what is shown around it, on every side, and how large


def turned_ellipse(rx: float, ry: float) -> torch.Tensor:
    """(1, 1, SIZE, SIZE), 1 inside."""
    at = torch.arange(SIZE) + 0.5
    x, y = at[None] - AT[0], at[:, None] - AT[1]
    along, across = x * math.cos(TILT) + y * math.sin(TILT), y * math.cos(TILT) - x * math.sin(TILT)
    return ((along / rx) ** 2 + (across / ry) ** 2 <= 1.0).float()[None, None]


def view(image: torch.Tensor) -> torch.Tensor:
    x, y = AT
    piece = image[..., y - VIEW : y + VIEW, x - VIEW : x + VIEW]
    return F.interpolate(piece, size=(ENLARGED, ENLARGED), mode="bicubic").clamp(0, 1)


def edited(model: ScoreModel, guide: torch.Tensor, mask: torch.Tensor) -> tuple[torch.Tensor, float]:
    began = time.perf_counter()
    out = sdedit(model, guide, t0=0.15, steps=16, seed=1, mask=mask).samples.clamp(0, 1)
    return out, time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", metavar="FOLDER", help="where the photo is")
    parser.add_argument("-o", "--output", metavar="FILE", required=True)
    args = parser.parse_args()
    torch.set_num_threads(1)
    before = photo(find_photos(args.photos), "hubble_deep_field.jpg", SIZE)
    guide, mask = before, turned_ellipse(24, 18)
    for rx, ry, colour in STROKES:
        guide = laid(guide, turned_ellipse(rx, ry), colour)
    fitted = fit_image(guide, mask, method=AROUND, context=1.0)
    window, seconds = edited(own(before, mask), fitted.image, fitted.mask)
    cropped = unfit_image(window, fitted.undo, feather=4)
    small, small_guide, small_mask = (fit(x, width=WORKING, height=WORKING) for x in (before, guide, mask))
    small_mask = (small_mask >= 0.5).float()
    whole, whole_seconds = edited(own(small, small_mask), small_guide, small_mask)
    whole = F.interpolate(whole, size=(SIZE, SIZE), mode="bicubic").clamp(0, 1)
    kept = (mask == 0.0).expand_as(before)
    print(f"{fitted.text}\nwith crop: {seconds:.0f} s; kept pixels equal: {torch.equal(cropped[kept], guide[kept])}")
    print(
        f"without: {whole_seconds:.0f} s; kept pixels, RMS: {float((whole - guide)[kept].square().mean()) ** 0.5:.4f}"
    )
    labels = ["photo, a part of it", "three strokes", f"whole photo at {WORKING} px", "window at its own scale"]
    sheet = contact_sheet([view(x) for x in (before, guide, whole, cropped)], labels, columns=4, cell=ENLARGED)
    save_pil(sheet, args.output)


if __name__ == "__main__":
    main()
