"""Edit Report: two pictures in, numbers and a heat map out; no model needed."""

from __future__ import annotations

import torch

from .image import same_size, to_image
from .schema import Node, socket


class EditReport(Node):
    ID = "SDEdit_EditReport"
    NAME = "Edit Report"
    FUNCTION = "report"
    OUTPUTS = (
        (
            "STRING",
            "report",
            "L2 as in the paper, RMSE, PSNR and SSIM, whole and inside and outside the mask. Read it with "
            "Preview as Text.",
        ),
        (
            "IMAGE",
            "heat map",
            "Where the picture moved, dark = not at all, with a scale below. The mask's border is white.",
        ),
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
                "guide": socket("IMAGE", "What went in: strokes, an edited photo, a composite."),
                "picture": socket("IMAGE", "What came out, in the guide's size. A batch may share a single guide."),
            },
            "optional": {
                "mask": socket("MASK", "The mask of the edit, 1 = change. Any size; it is resized."),
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

        guide, picture = same_size(self.NAME, guide, picture, ("guide", "picture"))
        fitted = None if mask is None else host.fit_mask(mask, guide)
        lines = compare(guide, picture, mask=fitted).lines()
        image = to_image(heat_map(guide, picture, mask=fitted))
        return "\n".join([*lines, *([run_report] if isinstance(run_report, str) and run_report else [])]), image
