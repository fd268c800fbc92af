"""Edit Report and Simulate Strokes: pictures in, numbers or strokes out; no model needed."""

from __future__ import annotations

import torch

from .guided import to_core, to_image
from .options import CATEGORY, check_image


def _same_size(where: str, one: torch.Tensor, other: torch.Tensor, names: tuple[str, str]) -> tuple:
    """Both as (B,3,H,W) with one batch size; ValueError when they cannot be laid on one another."""
    one, other = (to_core(check_image(x, where, n)) for x, n in zip((one, other), names, strict=True))
    if one.shape[-2:] != other.shape[-2:]:
        raise ValueError(
            f"{where}: {names[0]} is {one.shape[-1]} x {one.shape[-2]} px, {names[1]} is {other.shape[-1]} x "
            f"{other.shape[-2]}. Bring them to one size (Upscale Image); a VAE crops to multiples of 8."
        )
    count = max(one.shape[0], other.shape[0])
    if {one.shape[0], other.shape[0]} - {1, count}:
        raise ValueError(
            f"{where}: {names[0]} has {one.shape[0]} pictures, {names[1]} has {other.shape[0]}. Connect batches of one "
            "size, or a single picture on one side."
        )
    return one.expand(count, -1, -1, -1), other.expand(count, -1, -1, -1)


class EditReport:
    ID = "SDEdit_EditReport"
    NAME = "Edit Report"
    CATEGORY = CATEGORY
    FUNCTION = "report"
    RETURN_TYPES = ("STRING", "IMAGE")
    RETURN_NAMES = ("report", "heat map")
    OUTPUT_TOOLTIPS = (
        "L2 as in the paper, RMSE, PSNR and SSIM, whole and inside and outside the mask. Read it with Preview as Text.",
        "Where the picture moved, dark = not at all, with a scale below. The mask's border is white.",
    )
    DESCRIPTION = (
        "What an edit did to its guide, in numbers and as a heat map: L2 as in the SDEdit paper, RMSE, PSNR, SSIM, "
        "inside and outside the mask. Says when the region that should have been kept was not."
    )
    SEARCH_ALIASES = ["sdedit", "compare images", "psnr", "ssim", "difference", "heat map", "l2", "faithfulness"]

    @classmethod
    def INPUT_TYPES(cls) -> dict:
        return {
            "required": {
                "guide": ("IMAGE", {"tooltip": "What went in: strokes, an edited photo, a composite."}),
                "picture": (
                    "IMAGE",
                    {"tooltip": "What came out, in the guide's size. A batch may share a single guide."},
                ),
            },
            "optional": {
                "mask": ("MASK", {"tooltip": "The mask of the edit, 1 = change. Any size; it is resized."}),
                "run_report": (
                    "STRING",
                    {
                        "forceInput": True,
                        "tooltip": "The report of Reverse SDE Sampler, put below: evaluations, seconds, t0.",
                    },
                ),
            },
        }

    def report(
        self,
        guide: torch.Tensor,
        picture: torch.Tensor,
        mask: torch.Tensor | None = None,
        run_report: str | None = None,
    ) -> tuple:
        from ..sdedit_core.measure.comparison import compare
        from ..sdedit_core.measure.plots import heat_map
        from . import host

        guide, picture = _same_size(self.NAME, guide, picture, ("guide", "picture"))
        fitted = None if mask is None else host.fit_mask(mask, guide)
        lines = compare(guide, picture, mask=fitted).lines()
        image = to_image(heat_map(guide, picture, mask=fitted))
        return "\n".join([*lines, *([run_report] if run_report else [])]), image


class SimulateStrokes:
    ID = "SDEdit_SimulateStrokes"
    NAME = "Simulate Strokes"
    CATEGORY = CATEGORY
    FUNCTION = "simulate"
    RETURN_TYPES = ("IMAGE", "MASK")
    RETURN_NAMES = ("strokes", "mask")
    OUTPUT_TOOLTIPS = (
        "The stroke painting, a guide for SDEdit. With an original: strokes only where image differs from it.",
        "Where image differs from original (1 = change), widened by grow. All 1 without an original.",
    )
    DESCRIPTION = (
        "Turns a photo into a stroke painting as the SDEdit paper does for its experiments: a median filter, then very "
        "few colours. With an original connected, also the mask of what was painted or pasted."
    )
    SEARCH_ALIASES = ["sdedit", "stroke painting", "posterize", "median filter", "quantize colours", "difference mask"]

    @classmethod
    def INPUT_TYPES(cls) -> dict:
        return {
            "required": {
                "image": ("IMAGE", {"tooltip": "The photo, or the photo with something painted or pasted on it."}),
                "colours": (
                    "INT",
                    {
                        "default": 6,
                        "min": 2,
                        "max": 256,
                        "tooltip": "Colours that are left, chosen for each picture. The paper uses 6, and 3 to 50 to "
                        "compare: more colours are easier to make real.",
                    },
                ),
                "kernel": (
                    "INT",
                    {
                        "default": 0,
                        "min": 0,
                        "max": 511,
                        "tooltip": "Window of the median in pixels, odd; details smaller than half of it vanish. 0 = "
                        "the paper's 23 px at 256 px, scaled to this size. 1 = off.",
                    },
                ),
            },
            "optional": {
                "original": (
                    "IMAGE",
                    {"tooltip": "The photo before it was changed, in the same size: gives the mask of the change."},
                ),
                "grow": (
                    "INT",
                    {
                        "default": 4,
                        "min": 0,
                        "max": 512,
                        "tooltip": "Pixels by which the mask is widened, so that the edit can fit its surroundings.",
                    },
                ),
            },
        }

    def simulate(
        self, image: torch.Tensor, colours: int, kernel: int, original: torch.Tensor | None = None, grow: int = 4
    ) -> tuple:
        from ..sdedit_core.pictures.strokes import difference_mask, simulate_strokes
        from . import host

        if kernel and kernel % 2 == 0:
            raise ValueError(f"{self.NAME}: kernel must be odd, got {kernel}. Set it to {kernel + 1}, or 0 for auto.")
        if original is None:
            before, after = None, to_core(check_image(image, self.NAME))
        else:
            after, before = _same_size(self.NAME, image, original, ("image", "original"))
        out = []
        for one in after.split(1):
            host.check_interrupt()
            out.append(simulate_strokes(one, colours=colours, kernel=kernel or None))
        strokes = torch.cat(out)
        if before is None:
            return to_image(strokes), torch.ones_like(strokes[:, 0])
        mask = difference_mask(before, after, grow=grow)
        return to_image(torch.where(mask > 0.0, strokes, before)), mask[:, 0]
