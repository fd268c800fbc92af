"""Example Guide: something to start from without painting."""

from __future__ import annotations

import torch

from .image import to_image
from .schema import Node, check_number, choice

EDIT, COMPOSITE = "edit: ", "composite: "
LARGEST = 1024  # pixels of a side


def _names() -> dict[str, str]:
    """All examples, name -> description."""
    from ..sdedit_core.builtin import EXAMPLE_COMPOSITES, EXAMPLE_EDITS, EXAMPLE_GUIDES

    edits = {EDIT + name: text for name, text in EXAMPLE_EDITS.items()}
    return {**EXAMPLE_GUIDES, **edits, **{COMPOSITE + name: text for name, text in EXAMPLE_COMPOSITES.items()}}


class ExampleGuide(Node):
    ID = "SDEdit_ExampleGuide"
    NAME = "Example Guide"
    FUNCTION = "paint"
    OUTPUTS = (
        ("IMAGE", "guide", "The guide: a stroke painting, a picture with strokes on it, or a rough composite."),
        ("MASK", "mask", "Where the strokes or the pasted patch are (1 = change). All 1 for stroke paintings."),
        (
            "IMAGE",
            "photo",
            "A photo-like picture: what was painted or pasted on; for stroke paintings a scene of the same kind.",
        ),
        ("IMAGE", "patch", "For composites, the picture that the patch is cut from; otherwise the guide."),
    )
    DESCRIPTION = (
        "A ready-made guide for trying SDEdit: stroke paintings for the built-in models, edits, and composites."
    )
    SEARCH_ALIASES = ["sdedit", "stroke painting", "example image", "sketch", "sample input", "demo", "composite"]

    @classmethod
    def INPUT_TYPES(cls) -> dict:
        names = _names()
        side = {"default": 256, "min": 64, "max": LARGEST, "step": 8}
        return {
            "required": {
                "name": choice(
                    list(names),
                    "Which guide. Load the built-in model that its name begins with.\n"
                    + "\n".join(f"{name}: {text}" for name, text in names.items()),
                    default=next(iter(names)),
                ),
                "width": ("INT", {**side, "tooltip": "Width in pixels; the built-in models like 128 to 512."}),
                "height": ("INT", {**side, "tooltip": "Height in pixels; the built-in models like 128 to 512."}),
            }
        }

    @classmethod
    def picture(cls, name: str, output: str, width: int, height: int) -> bytes:
        """One of its pictures as a JPEG file, for a canvas that shows it before the first run.

        Raises:
            ValueError: there is no such example, picture or size.
        """
        from .image import jpeg, to_core

        names = [kind == "IMAGE" and title for kind, title, _ in cls.OUTPUTS]
        if output not in names:
            raise ValueError(f"Unknown picture {output!r}; expected one of {', '.join(filter(None, names))}.")
        if not max(width, height) <= LARGEST:
            raise ValueError(f"An example is at most {LARGEST} pixels wide and high, got {width} x {height}.")
        if name.startswith(EDIT) and output == "photo":  # at once: its strokes need not be painted for that
            from ..sdedit_core.builtin import example_edit_photo
            from ..sdedit_core.pictures.fit import fit

            photo = example_edit_photo(name.removeprefix(EDIT), max(width, height))
            return jpeg(fit(photo, width=width, height=height))
        return jpeg(to_core(cls().paint(name, width, height)[names.index(output)]))

    def paint(self, name: str, width: int, height: int) -> tuple:
        from ..sdedit_core.builtin import example_composite, example_edit, example_guide, example_photo
        from ..sdedit_core.pictures.fit import fit

        width, height = int(check_number(width, "width", 16, 4096)), int(check_number(height, "height", 16, 4096))
        if name not in list(_names()):
            raise ValueError(f"Unknown example guide {name!r}; expected one of {', '.join(_names())}.")
        side = max(width, height)
        if name.startswith(EDIT):
            photo, guide, mask = example_edit(name.removeprefix(EDIT), side)
            patch = guide
        elif name.startswith(COMPOSITE):
            photo, patch, mask, guide = example_composite(name.removeprefix(COMPOSITE), side)
        else:
            guide = patch = example_guide(name, width=width, height=height)
            photo, mask = example_photo(name, side), torch.ones(1, 1, height, width)
        guide, photo, patch, mask = (fit(x, width=width, height=height) for x in (guide, photo, patch, mask))
        return to_image(guide), (mask[:, 0] >= 0.5).float(), to_image(photo), to_image(patch)
