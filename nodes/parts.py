"""A LATENT of several latents in one, such as video and audio: laid in a row for sampling, and put back.

ComfyUI's own samplers do the same (``pack_latents``): the solver sees one tensor (batch, 1, all numbers of an item).
The first part is the picture: a MASK is for it, and it is what a VAE shows.  The other parts are kept unless their own
noise mask lets them change.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from .masks import describe_mask

NAMES = ("video", "audio")


@dataclass(frozen=True)
class Layout:
    """``shapes`` of one item of every part; ``kind`` is the host's class for several tensors in one."""

    shapes: tuple[tuple[int, ...], ...]
    kind: type

    def parts(self, x: torch.Tensor) -> list[torch.Tensor]:
        """The parts of (B, 1, N)."""
        return unpacked(x, self.shapes)

    def nested(self, x: torch.Tensor) -> object:
        """As the host's own several in one."""
        return self.kind(self.parts(x))

    def nested_mask(self, mask: torch.Tensor) -> object:
        """A mask in a row as noise mask of the host: one channel each, as its resizing takes channels for items."""
        return self.kind([part[:, :1] for part in self.parts(mask)])

    def names(self) -> list[str]:
        """What to call the parts: the host's nodes have video and audio; others are numbered."""
        named = len(self.shapes) == 2 and len(self.shapes[0]) == 4
        return list(NAMES) if named else [f"part {i + 1}" for i in range(len(self.shapes))]

    def __str__(self) -> str:
        each = [f"{name} {' x '.join(map(str, s))}" for name, s in zip(self.names(), self.shapes, strict=True)]
        return f"{len(self.shapes)} latents in one: {', '.join(each)}"


def packed(parts: list[torch.Tensor]) -> torch.Tensor:
    """Several tensors as one (B, 1, N); a single one as it is."""
    return parts[0] if len(parts) == 1 else torch.cat([part.reshape(part.shape[0], 1, -1) for part in parts], dim=-1)


def unpacked(x: torch.Tensor, shapes: Sequence[Sequence[int]]) -> list[torch.Tensor]:
    """What :func:`packed` put into ``x``; ``shapes`` are those of one item."""
    if len(shapes) == 1:
        return [x]
    sizes = [math.prod(shape) for shape in shapes]
    return [part.reshape(x.shape[0], *s) for part, s in zip(x.split(sizes, dim=-1), shapes, strict=True)]


def tensors_of(value: object) -> list[torch.Tensor] | None:
    """The tensors of the host's several in one; None for anything else."""
    if isinstance(value, torch.Tensor) or not getattr(value, "is_nested", False):
        return None
    return list(value.unbind())


def layout_of(value: object) -> Layout | None:
    """How several latents in one are laid out; None for an ordinary latent."""
    tensors = tensors_of(value)
    return None if tensors is None else Layout(tuple(tuple(t.shape[1:]) for t in tensors), type(value))


def split(x: torch.Tensor, layout: Layout | None) -> list[torch.Tensor]:
    """The parts of a latent as the nodes hold it."""
    return [x] if layout is None else layout.parts(x)


def to_latent(x: torch.Tensor, layout: Layout | None) -> object:
    """Samples for a LATENT out of a latent as the nodes hold it."""
    return x if layout is None else layout.nested(x)


def masks_by_part(given: object, mask: object, layout: Layout) -> list:
    """A mask for every part, None for a part that is kept.

    ``given``: the latent's own noise mask, for the first part where it is a single one; ``mask``: a MASK that stands in
    for the first part's.  A first part without one may change.
    """
    masks = tensors_of(given)
    # the host's nodes make masks of a part with one for each channel
    masks = [given] if masks is None else [one[:, :1] if one.ndim > 3 else one for one in masks]
    masks = masks[: len(layout.shapes)] + [None] * (len(layout.shapes) - len(masks))
    first = masks[0] if mask is None else mask
    return [torch.ones(1, 1, 1) if first is None else first, *masks[1:]]


def describe_parts(mask: torch.Tensor, layout: Layout | None) -> str:
    """In words what a mask, fitted to the latent, lets change."""
    if layout is None:
        return describe_mask(mask)
    each = zip(layout.names(), layout.parts(mask), strict=True)
    return "; ".join(f"{name}: {_words(part)}" for name, part in each)


def _words(mask: torch.Tensor) -> str:
    share, soft = float((mask > 0.0).float().mean()), bool(((mask > 0.0) & (mask < 1.0)).any())
    if share == 0.0:
        return "kept"
    return ("may change" if share == 1.0 else f"{100.0 * share:.3g} % may change") + ", soft" * soft
