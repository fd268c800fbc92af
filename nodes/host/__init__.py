"""ComfyUI itself: the only folder whose files import it.

A score model becomes an ordinary MODEL here, and our sampling loop becomes an ordinary ``comfy.samplers.Sampler``
that runs inside ``CFGGuider.sample``, so that loading, memory, LoRA, ControlNet, hooks, previews and interruption
stay the host's work.
"""

from .examples import serve_examples
from .files import EXTENSIONS, FOLDER, list_model_files, model_path, register_model_folder
from .latents import (
    FAR,
    add_noise,
    data_std,
    fit_latent,
    fit_mask,
    fit_masks,
    from_model,
    latent_space,
    model_schedule,
    picture_size,
    spaced_sigmas,
    to_intermediate,
    to_model,
    usual_side,
)
from .running import INTERRUPTED, LoopSampler, check_interrupt, progress, run_guided
from .score import PixelFormat, PixelVAE, ScoreBaseModel, ScoreNetwork, as_model, empty_conditioning, score_model_of

__all__ = [
    "EXTENSIONS",
    "FAR",
    "FOLDER",
    "INTERRUPTED",
    "LoopSampler",
    "PixelFormat",
    "PixelVAE",
    "ScoreBaseModel",
    "ScoreNetwork",
    "add_noise",
    "as_model",
    "check_interrupt",
    "data_std",
    "empty_conditioning",
    "fit_latent",
    "fit_mask",
    "fit_masks",
    "from_model",
    "latent_space",
    "list_model_files",
    "model_path",
    "model_schedule",
    "picture_size",
    "progress",
    "register_model_folder",
    "run_guided",
    "score_model_of",
    "serve_examples",
    "spaced_sigmas",
    "to_intermediate",
    "to_model",
    "usual_side",
]
