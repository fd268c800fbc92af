"""Example Guide: something to start from without painting."""

from __future__ import annotations

import torch

from .options import CATEGORY, check_number


class ExampleGuide:
    ID = "SDEdit_ExampleGuide"
    NAME = "Example Guide"
    CATEGORY = CATEGORY
    FUNCTION = "paint"
    RETURN_TYPES = ("IMAGE", "MASK", "IMAGE")
    RETURN_NAMES = ("guide", "mask", "photo")
    OUTPUT_TOOLTIPS = (
        "The guide: a stroke painting, or a picture with strokes on it.",
        "Where the strokes are (1 = change). All 1 for stroke paintings, which may change everywhere.",
        "A photo-like picture: what an edit was painted on; for stroke paintings another scene of the same kind.",
    )
    DESCRIPTION = "A ready-made guide for trying SDEdit: stroke paintings for the built-in models, and edits."
    SEARCH_ALIASES = ["sdedit", "stroke painting", "example image", "sketch", "sample input", "demo"]

    @classmethod
    def INPUT_TYPES(cls) -> dict:
        from ..sdedit_core.builtin import EXAMPLE_GUIDES

        names = list(EXAMPLE_GUIDES)
        side = {"default": 256, "min": 64, "max": 1024, "step": 8}
        return {
            "required": {
                "name": (
                    names,
                    {
                        "default": names[0],
                        "tooltip": "Which guide. Load the built-in model of the same name with it.\n"
                        + "\n".join(f"{name}: {text}" for name, text in EXAMPLE_GUIDES.items()),
                    },
                ),
                "width": ("INT", {**side, "tooltip": "Width in pixels; the built-in models like 128 to 512."}),
                "height": ("INT", {**side, "tooltip": "Height in pixels; the built-in models like 128 to 512."}),
            }
        }

    def paint(self, name: str, width: int, height: int) -> tuple:
        from ..sdedit_core.builtin import EXAMPLE_GUIDES, example_guide, scene
        from ..sdedit_core.images import fit

        width, height = int(check_number(width, "width", 16, 4096)), int(check_number(height, "height", 16, 4096))
        if name not in EXAMPLE_GUIDES:
            raise ValueError(f"Unknown example guide {name!r}; expected one of {', '.join(EXAMPLE_GUIDES)}.")
        guide = example_guide(name, width=width, height=height)
        photo = fit(scene(name, 0, max(width, height)), width=width, height=height)
        return _image(guide), torch.ones(1, height, width), _image(photo)


def _image(picture: torch.Tensor) -> torch.Tensor:
    """(1, 3, H, W) -> IMAGE (1, H, W, 3)."""
    return picture.permute(0, 2, 3, 1).contiguous()
