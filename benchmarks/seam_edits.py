"""Five edits of real photos, as an artist would set them up: a guide, a mask, a model and a t0 each.

The photos are scikit-image's and scikit-learn's own pictures; nothing of them is in this repository.
"""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from pathlib import Path

import torch

from sdedit_core import load_score_model
from sdedit_core.builtin import references
from sdedit_core.load import score_model_from_images
from sdedit_core.model import ScoreModel
from sdedit_core.pictures.fit import fit
from sdedit_core.pictures.io import load_image

PLACES = {"skimage": "data", "sklearn": "datasets/images"}


@dataclass
class Edit:
    """``photo`` as it was, ``guide`` with the rough edit, ``mask`` 1 = may change, and the model."""

    name: str
    photo: torch.Tensor
    guide: torch.Tensor
    mask: torch.Tensor
    model: ScoreModel
    t0: float


def find_photos(folder: str | None) -> list[Path]:
    """Where the photos may lie: a folder, or the two packages'."""
    if folder:
        return [Path(folder)]
    specs = {name: importlib.util.find_spec(name) for name in PLACES}
    return [Path(spec.origin).parent / PLACES[name] for name, spec in specs.items() if spec is not None]


def photo(places: list[Path], name: str, size: int) -> torch.Tensor:
    """A photo's middle square, (1, 3, size, size)."""
    for place in places:
        if (place / name).is_file():
            return fit(load_image(place / name), width=size, height=size)
    raise SystemExit(
        f"{name} was not found in {', '.join(map(str, places)) or 'any package'}. Install scikit-image and "
        "scikit-learn, say with --photos where their pictures are, or leave the photos out with --line."
    )


def ellipse(size: int, x: float, y: float, rx: float, ry: float) -> torch.Tensor:
    """(1, 1, size, size), 1 inside; all in shares of the side."""
    at = (torch.arange(size) + 0.5) / size
    return ((((at[None] - x) / rx) ** 2 + ((at[:, None] - y) / ry) ** 2) <= 1.0).float()[None, None]


def laid(image: torch.Tensor, where: torch.Tensor, colour: tuple[float, float, float]) -> torch.Tensor:
    return torch.where(where > 0.5, torch.tensor(colour).view(1, 3, 1, 1), image)


def own(image: torch.Tensor, mask: torch.Tensor) -> ScoreModel:
    """A photo as its own model, at its own scale in every window, without what the mask opens."""
    return score_model_from_images(image, image_size=image.shape[-1], leave_out=[mask[0, 0]])


def painted_object(places: list[Path], size: int) -> Edit:
    """A second flower in three flat strokes."""
    image = photo(places, "flower.jpg", size)
    guide = laid(image, ellipse(size, 0.19, 0.20, 0.15, 0.14), (0.93, 0.66, 0.42))
    guide = laid(guide, ellipse(size, 0.19, 0.21, 0.09, 0.08), (0.92, 0.50, 0.27))
    guide = laid(guide, ellipse(size, 0.19, 0.21, 0.03, 0.03), (0.75, 0.28, 0.17))
    mask = ellipse(size, 0.19, 0.20, 0.18, 0.17)
    return Edit("painted object", image, guide, mask, own(image, mask), 0.25)


def removed_object(places: list[Path], size: int) -> Edit:
    """The badge taken off the suit: one flat stroke over it."""
    image = photo(places, "astronaut.png", size)
    mask = ellipse(size, 0.335, 0.755, 0.10, 0.10)
    return Edit("removed object", image, laid(image, mask, (0.80, 0.32, 0.18)), mask, own(image, mask), 0.4)


def pasted_object(places: list[Path], size: int) -> Edit:
    """A second rocket: a rectangle of the photo, a little brighter, at another place."""
    image = photo(places, "rocket.jpg", size)
    top, bottom, left, right, to = (round(size * v) for v in (0.27, 0.80, 0.455, 0.555, 0.635))
    guide, mask = image.clone(), torch.zeros(1, 1, size, size)
    guide[..., top:bottom, to : to + right - left] = (image[..., top:bottom, left:right] * 1.1 + 0.04).clamp(0, 1)
    grown = round(0.02 * size)
    mask[..., top - grown : bottom + grown, to - grown : to + right - left + grown] = 1.0
    return Edit("pasted object", image, guide, mask, own(image, mask), 0.15)


def new_sky(places: list[Path], size: int) -> Edit:
    """An evening sky in four strokes, with the built-in sunset model."""
    image = photo(places, "china.jpg", size)
    rows = torch.linspace(0, 1, size).view(1, 1, -1, 1).expand(1, 1, size, size)
    light = image.amin(1, keepdim=True) > 0.66
    open_sky = light.long().cumprod(2).bool() & (rows < 0.47)  # light from the top edge down to the first dark pixel
    guide = image
    strokes = ((0.0, (0.33, 0.33, 0.52)), (0.16, (0.72, 0.42, 0.45)), (0.28, (0.93, 0.58, 0.36)))
    for begins, colour in (*strokes, (0.38, (0.97, 0.78, 0.48))):
        guide = torch.where(open_sky & (rows >= begins), torch.tensor(colour).view(1, 3, 1, 1), guide)
    model = load_score_model("landscape-sunset", image_size=size)
    return Edit("sky replaced", image, guide, open_sky.float(), model, 0.36)


def outpaint(places: list[Path], size: int) -> Edit:
    """The right quarter is new: the last known column drawn out, as flat strokes."""
    image = photo(places, "chelsea.png", size)
    guide, mask, edge = image.clone(), torch.zeros(1, 1, size, size), round(0.75 * size)
    flat = image[..., edge - size // 16 : edge].mean(-1, keepdim=True)
    flat = torch.nn.functional.avg_pool2d(flat, (size // 8, 1), stride=(size // 8, 1))
    guide[..., edge:] = torch.nn.functional.interpolate(flat, size=(size, 1), mode="nearest").expand_as(
        guide[..., edge:]
    )
    mask[..., edge:] = 1.0
    return Edit("outpaint", image, guide, mask, own(image, mask), 0.45)


EDITS = (painted_object, removed_object, pasted_object, new_sky, outpaint)


def stand_in(size: int) -> Edit:
    """For --quick, without any photo: a patch of a render painted over."""
    image = references("lake", size)[:1]
    mask = ellipse(size, 0.5, 0.6, 0.2, 0.2)
    return Edit("painted render", image, laid(image, mask, (0.3, 0.42, 0.3)), mask, own(image, mask), 0.4)
