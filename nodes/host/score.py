"""A score model as an ordinary MODEL, and the VAE for its pixels."""

from __future__ import annotations

from collections.abc import Callable

import comfy.conds
import comfy.latent_formats
import comfy.model_base
import comfy.model_management
import comfy.model_patcher
import comfy.patcher_extension
import comfy.sd
import comfy.supported_models_base
import torch

from ...sdedit_core.model import ScoreModel
from ..frames import ScoreSampling, frame_of


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
