"""Our sampling loop inside the host's guider."""

from __future__ import annotations

from collections.abc import Callable

import comfy.model_management
import comfy.model_patcher
import comfy.samplers
import comfy.utils
import latent_preview
import torch

from ..frames import GuidedModel, frame_of
from ..parts import Layout, split, to_latent
from ..patches import explained
from ..preview import preview_image
from ..told import parts_told, tell_prompts
from .score import score_model_of

INTERRUPTED = (comfy.model_management.InterruptProcessingException,)  # what Cancel raises


def check_interrupt() -> None:
    """Raise ComfyUI's interruption when the user pressed cancel."""
    comfy.model_management.throw_exception_if_processing_interrupted()


def progress(model: comfy.model_patcher.ModelPatcher, total: int) -> Callable:
    """callback(step, x0, x, total): progress bar, picture on the node, and the place where cancel takes effect.

    Score models show their picture whatever the preview setting is, it costs nothing; others use the host's preview.
    """
    score_model = score_model_of(model)
    if score_model is None or score_model.channels != 3:
        return latent_preview.prepare_callback(model, total)
    bar, picture = comfy.utils.ProgressBar(total), preview_image(score_model.data_range)

    def callback(step: int, x0: torch.Tensor, x: torch.Tensor, total_steps: int) -> None:
        image = picture(x0, last=step + 1 >= total_steps)
        bar.update_absolute(step + 1, total_steps, None if image is None else ("JPEG", image, max(image.size)))

    return callback


class LoopSampler(comfy.samplers.Sampler):
    """A SAMPLER around ``loop(model, noise, latent, sigmas, mask, callback) -> x`` in the VE frame.

    ``model`` is a core ScoreModel, the rest is what the host passes: unit noise, the clean latent in the model's own
    space, levels in the model's own units, a mask or None, ``callback(step, x0, x, total)`` or None.
    """

    def __init__(self, loop: Callable):
        self.loop = loop

    def sample(
        self,
        model_wrap: object,
        sigmas: torch.Tensor,
        extra_args: dict,
        callback: Callable | None,
        noise: torch.Tensor,
        latent_image: torch.Tensor | None = None,
        denoise_mask: torch.Tensor | None = None,
        disable_pbar: bool = False,
    ) -> torch.Tensor:
        parts = parts_told(model_wrap)
        model = GuidedModel(model_wrap, extra_args, noise, tick=check_interrupt, parts=parts)
        own = getattr(model_wrap.inner_model, "score_model", None)
        if denoise_mask is not None and own is None:
            scene = {"noise": noise, "latent": latent_image, "mask": denoise_mask, "seed": extra_args.get("seed")}
            model.show(latent_image, tell_prompts(model_wrap, comfy.samplers.encode_model_conds, **scene))
        with explained(extra_args.get("model_options", {}), own):
            return self.loop(model, noise, latent_image, sigmas, denoise_mask, callback)


def run_guided(
    model: comfy.model_patcher.ModelPatcher,
    work: Callable,
    *,
    guide: torch.Tensor,
    sigmas: list[float],
    positive: list,
    negative: list | None,
    cfg: float,
    seed: int,
    total: int,
    mask: torch.Tensor | None = None,
    layout: Layout | None = None,
) -> object:
    """What ``work(score_model, tell)`` returns, called inside the host's guider.

    Args:
        guide: a LATENT that the guider may look at; ``sigmas`` its VE levels.
        layout: of several latents in one; the work then sees them in a row, and so are ``guide`` and ``mask``.
        total: how many steps ``work`` tells of; ``tell(step, x0, x, total)`` moves the progress bar.
    """
    guider = comfy.samplers.CFGGuider(model)
    guider.inner_set_conds({"positive": positive} if negative is None else {"positive": positive, "negative": negative})
    guider.set_cfg(cfg)
    frame = frame_of(model.get_model_object("model_sampling"))
    levels = torch.tensor([frame.from_ve(s) for s in sigmas], dtype=torch.float32)
    found = []

    def loop(score_model, noise, latent_image, sigmas, denoise_mask, callback):
        if layout is not None and not score_model.parts:
            raise ValueError(f"This MODEL does not work on {layout}. Take them apart with Separate AV Latent.")
        found.append(work(score_model, callback))
        return latent_image

    told = progress(model, max(total, 1))

    def tell(step: int, x0: object, x: object, total_steps: int) -> None:
        if isinstance(x0, torch.Tensor):  # older hosts do not take them apart for a preview
            x0, x = split(x0, layout)[0], split(x, layout)[0]
        told(step, x0, x, total_steps)

    guider.sample(
        to_latent(torch.zeros_like(guide), layout),
        to_latent(guide, layout),
        LoopSampler(loop),
        levels,
        denoise_mask=mask if mask is None or layout is None else layout.nested_mask(mask),
        callback=tell,
        disable_pbar=True,
        seed=seed,
    )
    return found[0]
