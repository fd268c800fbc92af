"""What a network is told of a mask, and what it is shown to fit that: no token is called clean that holds noise.

Some of ComfyUI's model classes tell their network the mask: a timestep for every frame or pixel, a mask beside the
picture.  Stock sampling then shows them the clean kept latent; our states are noised all over, so that the kept pixels
fit the rest.  Nothing here knows a class by name: it is asked what it tells (``process_timestep``) and what it shows
(``scale_latent_inpaint``), and the mask is told it, and the kept pixels are shown clean, only where both agree.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch

from .parts import packed, unpacked

PROBE = 1000.0  # the timestep that a class is asked with
MASKS = ("denoise_mask", "audio_denoise_mask")  # what a conditioning calls the masks of the first and second part
FIRST_FRAME = "guiding_frame_index"  # a conditioning that gives the first frame a timestep of its own


@dataclass
class Told:
    """What the conditioning is given, and the tokens that are shown as the class shows kept ones; the latent's shape.

    ``clean`` is None where every pixel holds the noise of the one level that all are told.
    ``how``: by what the network learns of kept tokens; "" where it does not.
    """

    mask: torch.Tensor
    clean: torch.Tensor | None = None
    how: str = ""


def tell(inner: object, mask: torch.Tensor, latent: torch.Tensor, conds: dict, shapes: list) -> Told:
    """What a model is to be told of a mask.

    Args:
        inner: the host's model.
        mask, latent: 1 = change, and the clean latent in the model's own space; as the host's samplers get them.
        conds: ``model_conds`` of one of the prompts, made with this mask.
        shapes: of one item of the latent's parts; a single one for an ordinary latent.
    """
    given = [name for name in MASKS if name in conds]
    hidden = Told(torch.ones_like(mask))
    if not _shows_clean(inner, latent):
        uniform = not given or _levels(inner, mask, latent, given, shapes) is None
        return Told(mask) if uniform else hidden
    if given:
        found = _by_timestep(inner, mask, latent, given, shapes)
        if found is None and _levels(inner, mask, latent, given, shapes) is None:
            found = Told(_whole(mask, shapes, _frames), how="mask")  # for the network itself
    elif _is_mask_alone(conds, latent):
        found = Told(_whole(mask, shapes, _frames), how="mask")
    elif FIRST_FRAME in conds and latent.ndim == 5:
        found = Told(mask, (_whole(mask, shapes, _frames) == 0.0) & _first_frame(mask), how="first frame")
        return found if bool(found.clean.any()) else Told(mask)
    else:
        return Told(mask)
    if found is None:
        return hidden
    found.clean = found.mask == 0.0
    return found if bool(found.clean.any()) else hidden


def parts_told(guider: object) -> list[tuple[int, ...]]:
    """Shapes of one item's parts as a guider that samples several latents in one tells its model; [] otherwise."""
    shapes = _conds(guider).get("latent_shapes")
    return [] if shapes is None or len(shapes.cond) == 1 else [tuple(shape[1:]) for shape in shapes.cond]


def tell_prompts(
    guider: object,
    encode: Callable,
    *,
    noise: torch.Tensor,
    latent: torch.Tensor,
    mask: torch.Tensor,
    seed: int | None,
) -> Told:
    """Have a guider's prompts tell the network of a mask what is true of our states; ``encode`` is the host's."""
    inner, shapes = guider.inner_model, parts_told(guider) or [tuple(latent.shape[1:])]
    told = tell(inner, mask, latent, _conds(guider), shapes)
    if not torch.equal(told.mask, mask):
        whole = [torch.Size([latent.shape[0], *shape]) for shape in shapes]
        more = {"latent_image": latent, "denoise_mask": told.mask, "seed": seed, "latent_shapes": whole}
        for kind, each in guider.conds.items():
            guider.conds[kind] = encode(inner.extra_conds, each, noise, latent.device, kind, **more)
    return told


def _conds(guider: object) -> dict:
    """What the model made of the first prompt that a guider samples with."""
    prompts = getattr(guider, "conds", {})
    return next((one["model_conds"] for each in prompts.values() for one in each if "model_conds" in one), {})


def _shows_clean(inner: object, latent: torch.Tensor) -> bool:
    """Whether kept pixels, here all of them, are shown in another way than noised like the rest."""
    level = torch.full((latent.shape[0],), 0.5, device=latent.device, dtype=latent.dtype)
    noise = torch.ones_like(latent)
    wide = level.reshape(-1, *[1] * (latent.ndim - 1))
    noised = inner.model_sampling.noise_scaling(wide, noise, latent)
    scene = {"x": noised, "sigma": level, "noise": noise, "latent_image": latent}
    shown = inner.scale_latent_inpaint(**scene, denoise_mask=torch.zeros_like(latent))
    return not torch.allclose(shown, noised, rtol=1e-4, atol=1e-4)


def _levels(inner: object, mask: torch.Tensor, latent: torch.Tensor, given: list, shapes: list) -> list | None:
    """Told timestep of every part as a share of the uniform one; None where the mask has no say in it."""
    t = torch.full((latent.shape[0],), PROBE, device=latent.device)
    masks = {name: part for name, part in zip(MASKS, unpacked(mask, shapes), strict=False) if name in given}
    answer = inner.process_timestep(t, x=latent, **masks)
    without = inner.process_timestep(t, x=latent)
    parts, plain = (a if isinstance(a, tuple | list) else (a,) for a in (answer, without))
    if all(a.shape == b.shape and torch.equal(a, b) for a, b in zip(parts, plain, strict=True)):
        return None
    return [a.float() / PROBE for a in parts]


def _by_timestep(inner: object, mask: torch.Tensor, latent: torch.Tensor, given: list, shapes: list) -> Told | None:
    """The mask by whole tokens, where the class tells tokens that are kept 0 and all others the full timestep."""
    levels = _levels(inner, torch.where(mask > 0.0, 0.5, 0.0), latent, given, shapes)
    if levels is None or len(levels) > len(shapes):
        return None
    counts = [level.numel() // latent.shape[0] for level in levels] + [1] * (len(shapes) - len(levels))
    sizes = iter(counts)
    whole = _whole(mask, shapes, lambda part: _axes_of(part, next(sizes)))
    if whole is None:
        return None
    found = _levels(inner, whole, latent, given, shapes)
    if found is None:
        return Told(whole, how="timestep") if bool((whole == 1.0).all()) else None
    for part, level, count in zip(unpacked(whole, shapes), found, counts, strict=False):
        wanted = part.amax(_axes_of(part, count)).reshape(level.shape[0], -1)
        if level.numel() not in (wanted.numel(), level.shape[0]):
            return None
        if not torch.allclose(level.reshape(level.shape[0], -1), wanted, atol=1e-5):
            return None
    return Told(whole, how="timestep")


def _axes_of(part: torch.Tensor, count: int) -> list[int] | None:
    """The axes that share one of ``count`` timesteps: none but the channels, all of a frame, or all of an item."""
    frames = part.shape[2] if part.ndim > 3 else 0
    if count == math.prod(part.shape[2:]):
        return [1]
    if count == frames:
        return [1, *range(3, part.ndim)]
    return list(range(1, part.ndim)) if count == 1 else None


def _frames(part: torch.Tensor) -> list[int]:
    return [1, 3, 4] if part.ndim == 5 else list(range(1, part.ndim))


def _whole(mask: torch.Tensor, shapes: list, axes_of: object) -> torch.Tensor | None:
    """0 where all that shares a token with a pixel is kept, 1 elsewhere; None for tokens of unknown layout."""
    parts = unpacked(mask, shapes)
    axes = [axes_of(part) for part in parts]
    if None in axes:
        return None
    whole = [part.amax(a, keepdim=True).expand_as(part) for part, a in zip(parts, axes, strict=True)]
    return (packed(whole) > 0.0).to(mask)


def _first_frame(mask: torch.Tensor) -> torch.Tensor:
    first = torch.zeros_like(mask, dtype=torch.bool)
    first[:, :, 0] = True
    return first


def _is_mask_alone(conds: dict, latent: torch.Tensor) -> bool:
    """Channels beside the picture that can be no picture: they speak of the picture that is being made."""
    concat = getattr(conds.get("c_concat"), "cond", None)
    return concat is not None and concat.ndim == latent.ndim and concat.shape[1] < latent.shape[1]
