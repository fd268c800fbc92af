"""ComfyUI itself: the only file that imports it.

A score model becomes an ordinary MODEL here, and our sampling loop becomes an ordinary ``comfy.samplers.Sampler``
that runs inside ``CFGGuider.sample``, so that loading, memory, LoRA, ControlNet, hooks, previews and interruption
stay the host's work.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import comfy.conds
import comfy.k_diffusion.sampling as k_diffusion
import comfy.latent_formats
import comfy.model_base
import comfy.model_management
import comfy.model_patcher
import comfy.patcher_extension
import comfy.sample
import comfy.samplers
import comfy.sd
import comfy.supported_models_base
import comfy.utils
import folder_paths
import latent_preview
import torch

from ..sdedit_core.model import ScoreModel
from ..sdedit_core.sampling.noise import NoiseStream
from ..sdedit_core.sde import Schedule
from .frames import GuidedModel, ScoreSampling, data_std_of, frame_of, schedule_of
from .listing import model_entries
from .masks import check_mask, one_for_each
from .parts import Layout, masks_by_part, packed, split, to_latent
from .patches import explained
from .preview import preview_image
from .told import parts_told, tell_prompts

FOLDER = "score_models"
FAR = 1.5  # a picture's LATENT runs from -1 to 1, and its sharpest edges a little beyond
INTERRUPTED = (comfy.model_management.InterruptProcessingException,)  # what Cancel raises
EXTENSIONS = {".safetensors", ".sft", ".pth", ".pt", ".ckpt", ".bin"}


# ---------------------------------------------------------------- files


def register_model_folder() -> None:
    """Make models/score_models known, next to what extra_model_paths.yaml says about it."""
    folder_paths.add_model_folder_path(FOLDER, os.path.join(folder_paths.models_dir, FOLDER), is_default=True)
    paths, extensions = folder_paths.folder_names_and_paths[FOLDER]
    folder_paths.folder_names_and_paths[FOLDER] = (paths, set(extensions) | EXTENSIONS)


def list_model_files() -> list[str]:
    """Checkpoint files in models/score_models; a folder with a config.json (diffusers) counts as one entry."""
    return model_entries(folder_paths.get_folder_paths(FOLDER), folder_paths.folder_names_and_paths[FOLDER][1])


def model_path(name: str) -> str:
    """Full path of an entry of :func:`list_model_files`; ValueError when it is gone."""
    for root in folder_paths.get_folder_paths(FOLDER):
        root = os.path.abspath(root)
        path = os.path.abspath(os.path.join(root, name))  # links are followed, ".." is not
        if path.startswith(root + os.sep) and os.path.exists(path):
            return path
    looked = ", ".join(folder_paths.get_folder_paths(FOLDER))
    raise ValueError(f"No score model {name!r}. Put the file into {looked} and press R to refresh the list.")


# ---------------------------------------------------------------- a score model as MODEL


class PixelFormat(comfy.latent_formats.LatentFormat):
    """LATENT in [-1, 1] <-> pixels in the model's own data range, with true-colour previews."""

    latent_channels = 3
    spacial_downscale_ratio = 1

    def __init__(self, data_range: tuple[float, float] | None, channels: int = 3):
        low, high = data_range or (-1.0, 1.0)
        self.latent_channels = channels
        self.scale, self.shift = (high - low) / 2.0, (high + low) / 2.0
        if channels == 3:
            gain = 1.0 / self.scale
            self.latent_rgb_factors = [[gain, 0.0, 0.0], [0.0, gain, 0.0], [0.0, 0.0, gain]]
            self.latent_rgb_factors_bias = [-self.shift * gain] * 3

    def process_in(self, latent: torch.Tensor) -> torch.Tensor:
        return latent * self.scale + self.shift

    def process_out(self, latent: torch.Tensor) -> torch.Tensor:
        return (latent - self.shift) / self.scale


class _Config(comfy.supported_models_base.BASE):
    """The little that BaseModel asks of a model config."""

    unet_config = {"disable_unet_model_creation": True, "model_channels": 0}  # FreeU asks, and finds no such block
    unet_extra_config = {}

    def __init__(self, latent_format: comfy.latent_formats.LatentFormat, memory_usage_factor: float):
        self.latent_format = lambda: latent_format
        super().__init__(self.unet_config)
        self.memory_usage_factor = memory_usage_factor
        self.set_inference_dtype(torch.float32, None)


class ScoreNetwork(torch.nn.Module):
    """The score model where ComfyUI expects a UNet; holds the weights, so that memory management sees them."""

    dtype = torch.float32  # of the state; the network keeps its own precision

    def __init__(self, score_model: ScoreModel):
        super().__init__()
        self.score_model = score_model
        self.in_channels = self.out_channels = score_model.channels  # patches such as RenormCFG ask for it
        if score_model.module is not None:
            self.network = score_model.module

    def forward(self, x: torch.Tensor, sigma: torch.Tensor, y: torch.Tensor | None = None) -> torch.Tensor:
        return self.score_model.denoise(x, sigma, y)


class ScoreBaseModel(comfy.model_base.BaseModel):
    """BaseModel shell: the whole score model is one denoiser D(x, sigma) in the VE frame."""

    def __init__(self, score_model: ScoreModel, class_label: int | None = None):
        config = _Config(
            PixelFormat(score_model.data_range, score_model.channels), 0.2 if score_model.module is not None else 0.01
        )
        super().__init__(config)
        self.score_model, self.class_label = score_model, class_label
        self.diffusion_model = ScoreNetwork(score_model)
        self.model_sampling = ScoreSampling(score_model.schedule)

    def extra_conds(self, **kwargs: object) -> dict:
        label = kwargs.get("class_label", self.class_label)
        if label is None or self.score_model.num_classes is None:
            return {}
        return {"y": comfy.conds.CONDRegular(torch.tensor([int(label)]))}

    def _apply_model(
        self,
        x: torch.Tensor,
        t: torch.Tensor,
        c_concat: torch.Tensor | None = None,
        c_crossattn: torch.Tensor | None = None,
        control: object = None,
        transformer_options: dict | None = None,
        y: torch.Tensor | None = None,
        **kwargs: object,
    ) -> torch.Tensor:
        x, level, frame = x.float(), t.float(), frame_of(self.model_sampling)
        if frame.flow:  # ModelSamplingSD3 and its like were put on: states come as theirs, the network wants its own
            x = x / (1.0 - level).reshape(-1, *[1] * (x.ndim - 1))
            level = frame.noise_scale * level / (1.0 - level)
        return self.diffusion_model(x, level, None if y is None else y.to(x.device))


def _load_fully(executor: Callable, *args: object, **kwargs: object) -> object:
    """Sampling wrapper: plain torch layers must be on one device, so no partial loading."""
    kwargs["force_full_load"] = True
    return executor(*args, **kwargs)


def as_model(score_model: ScoreModel, class_label: int | None = None) -> comfy.model_patcher.ModelPatcher:
    """A score model as a ComfyUI MODEL."""
    patcher = comfy.model_patcher.ModelPatcher(
        ScoreBaseModel(score_model, class_label),
        load_device=comfy.model_management.get_torch_device(),
        offload_device=comfy.model_management.unet_offload_device(),
    )
    patcher.add_wrapper_with_key(comfy.patcher_extension.WrappersMP.PREPARE_SAMPLING, "sdedit", _load_fully)
    return patcher


def score_model_of(model: comfy.model_patcher.ModelPatcher) -> ScoreModel | None:
    """The score model inside a MODEL of ours, else None."""
    return getattr(model.model, "score_model", None)


def empty_conditioning(class_label: int | None = None) -> list:
    """CONDITIONING for a model without text."""
    return [[None, {} if class_label is None else {"class_label": class_label}]]


class PixelVAE(comfy.sd.VAE):
    """ComfyUI's pixel_space VAE in float32, exact for 8-bit pictures.

    IMAGE -> [-1, 1] -> IMAGE in float32 misses a quarter of the 256 values by 1e-8, and Save Image cuts those down
    by a whole level; so values next to a multiple of 1/255 are put back on it.
    """

    def __init__(self):
        super().__init__(sd={"pixel_space_vae": torch.tensor(1.0)}, dtype=torch.float32)
        self.process_output = _to_pixels

    def decode(self, samples_in: torch.Tensor, *args: object, **kwargs: object) -> torch.Tensor:
        if samples_in.shape[1] != 3:
            raise ValueError(
                f"The pixel VAE decodes 3 channels, this latent has {samples_in.shape[1]}. "
                "It belongs to another model: decode it with that model's VAE."
            )
        return super().decode(samples_in.clone(), *args, **kwargs)  # newer hosts finish in place


def _to_pixels(image: torch.Tensor) -> torch.Tensor:
    image.add_(1.0).div_(2.0).clamp_(0.0, 1.0)
    grid = (image * 255.0).round_().div_(255.0)
    return image.copy_(torch.where((image - grid).abs() < 1.5e-7, grid, image))


# ---------------------------------------------------------------- facts about any MODEL


def model_schedule(model: comfy.model_patcher.ModelPatcher) -> Schedule:
    """The SDE time of any MODEL, in the VE frame; honours patched model sampling."""
    return schedule_of(model.get_model_object("model_sampling"))


def latent_space(model: comfy.model_patcher.ModelPatcher) -> str:
    """Name of the space that noise is measured in; equal for models that can continue one another."""
    form = model.get_model_object("latent_format")
    space = f"{type(form).__name__} {form.latent_channels}ch"
    return f"{space} x{form.scale:g}{form.shift:+g}" if isinstance(form, PixelFormat) else space


def picture_size(model: comfy.model_patcher.ModelPatcher) -> tuple[tuple[int, int] | None, int]:
    """((height, width) the model is made for or None, what width and height must be multiples of), in pixels."""
    score_model = score_model_of(model)
    if score_model is not None:
        return score_model.size, score_model.size_multiple
    return None, int(getattr(model.get_model_object("latent_format"), "spacial_downscale_ratio", 8))


def data_std(model: comfy.model_patcher.ModelPatcher) -> float:
    """Spread of clean data in the model's own space: a quarter of the pixel range, 1 for normalised latents."""
    return data_std_of(score_model_of(model))


def to_model(
    model: comfy.model_patcher.ModelPatcher, latent: torch.Tensor, layout: Layout | None = None
) -> torch.Tensor:
    """LATENT -> the model's own space; as in the host, an empty latent is not shifted."""
    if score_model_of(model) is None and not bool(latent.any()):
        return latent
    with _laid_out(model, latent, layout):
        return model.model.process_latent_in(latent)


def from_model(model: comfy.model_patcher.ModelPatcher, x: torch.Tensor, layout: Layout | None = None) -> torch.Tensor:
    """The model's own space -> LATENT."""
    with _laid_out(model, x, layout):
        return model.model.process_latent_out(x)


@contextmanager
def _laid_out(model: comfy.model_patcher.ModelPatcher, x: torch.Tensor, layout: Layout | None) -> Iterator[None]:
    """With the shapes that a sampler tells a model of several latents in one: some scale one of them."""
    inner, name = model.model, "latent_shapes"
    before = getattr(inner, name, None)
    if layout is None or not hasattr(inner, name):
        yield
        return
    inner.latent_shapes = [(x.shape[0], *shape) for shape in layout.shapes]
    try:
        yield
    finally:
        inner.latent_shapes = before


def fit_latent(
    model: comfy.model_patcher.ModelPatcher,
    samples: torch.Tensor,
    layout: Layout | None = None,
    *,
    clean: bool = True,
) -> torch.Tensor:
    """The latent in the model's shape; ValueError when it belongs to another model (or, clean, is no picture)."""
    score_model = score_model_of(model)
    form = model.get_model_object("latent_format")
    if layout is not None:
        fits = score_model is None and form.latent_channels in [shape[0] for shape in layout.shapes]
        if not fits or to_model(model, samples, layout).shape != samples.shape:
            raise ValueError(
                f"This MODEL does not work on {layout}. Connect the model that they were made for, or take them apart "
                "(Separate AV Latent) and connect one."
            )
        return samples
    if score_model is None:
        fixed = comfy.sample.fix_empty_latent_channels(model, samples)
        samples = fixed if isinstance(fixed, torch.Tensor) else samples
    if samples.shape[1] != form.latent_channels or (score_model is not None and samples.ndim != 4):
        expected = f"{form.latent_channels} channels" + (", height and width" if score_model is not None else "")
        raise ValueError(
            f"This MODEL works on latents with {expected}; got shape {tuple(samples.shape)}. Encode the picture with "
            + ("the VAE of the Score Model Loader." if score_model is not None else "this model's own VAE.")
        )
    if score_model is not None and clean:
        low, high = float(samples.min()), float(samples.max())
        if score_model.data_range is not None and (low < -FAR or high > FAR):
            raise ValueError(
                f"The latent's values run from {low:.3g} to {high:.3g}, a clean picture's from -1 to 1: it is noised "
                "already, or no picture. Connect a VAE Encode with the VAE of the Score Model Loader."
            )
        score_model.check_guide(to_model(model, samples))
    return samples


def add_noise(
    model: comfy.model_patcher.ModelPatcher,
    guide: torch.Tensor,
    sigma: float,
    layout: Layout | None = None,
    *,
    seed: int,
    samples: list[int],
) -> torch.Tensor:
    """A LATENT noised to sigma: the host's own arithmetic, bit for bit what a stock sampler leaves at that level."""
    if sigma == 0.0:
        return guide.clone()
    x, sampling = to_model(model, guide, layout), model.get_model_object("model_sampling")
    parts = () if layout is None else layout.shapes
    z = NoiseStream(x.shape[1:], seed=seed, stream="initial", samples=samples, parts=parts)()
    level = torch.tensor(frame_of(sampling).from_ve(sigma), dtype=torch.float32)
    return from_model(model, sampling.inverse_noise_scaling(level, sampling.noise_scaling(level, z, x)), layout)


def fit_masks(given: object, mask: torch.Tensor | None, samples: torch.Tensor, layout: Layout | None) -> torch.Tensor:
    """The latent's noise mask ``given``, or the MASK in its stead, beside samples: :func:`fit_mask` of every part."""
    if layout is None:
        return fit_mask(given if mask is None else mask, samples)
    fitted = []
    for part, one in zip(layout.parts(samples), masks_by_part(given, mask, layout), strict=True):
        fitted.append((torch.zeros_like(part) if one is None else fit_mask(one, part)).expand_as(part))
    return packed(fitted)


def fit_mask(mask: torch.Tensor, samples: torch.Tensor) -> torch.Tensor:
    """A mask of any size as (B, 1, ..., h, w) beside samples, resized the way ComfyUI does; values in [0, 1]."""
    mask = one_for_each(check_mask(mask), tuple(samples.shape))
    return comfy.utils.reshape_mask(mask, samples.shape)[:, :1].clamp(0.0, 1.0)


def to_intermediate(x: torch.Tensor) -> torch.Tensor:
    """On the device where ComfyUI keeps results between nodes."""
    return x.to(comfy.model_management.intermediate_device())


def spaced_sigmas(spacing: str, steps: int, low: float, high: float) -> torch.Tensor:
    """ComfyUI's own karras or exponential levels between two noise levels, then 0."""
    make = {"karras": k_diffusion.get_sigmas_karras, "exponential": k_diffusion.get_sigmas_exponential}
    if spacing not in list(make):
        raise ValueError(f"Unknown spacing {spacing!r}; expected one of {', '.join(make)}.")
    return make[spacing](n=steps, sigma_min=low, sigma_max=high)


# ---------------------------------------------------------------- running our loop


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
