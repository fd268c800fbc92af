"""How a ComfyUI model looks in the VE frame ``x = x0 + sigma z``, where all solvers live.

eps, v, EDM and x0 models keep their states in the VE frame already.  Flow models keep ``(1 - s) x0 + k s z``;
divided by ``1 - s`` that is a VE state with ``sigma = k s / (1 - s)``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch

from ..sdedit_core.model import ScoreModel
from ..sdedit_core.sde import Schedule
from .told import Told

FLOW_MAX = 0.999  # s = 1 means infinite noise
_GUIDANCE = ("sampler_cfg_function", "sampler_post_cfg_function", "sampler_pre_cfg_function")  # patches of D
_NOT_A_DENOISER = {"IMG_TO_IMG", "IMG_TO_IMG_FLOW", "V_PREDICTION_DDPM"}


@dataclass(frozen=True)
class Frame:
    """Model noise level s <-> VE noise level sigma."""

    flow: bool = False
    noise_scale: float = 1.0

    def to_ve(self, s: float) -> float:
        """VE sigma of the model's own level."""
        return self.noise_scale * s / (1.0 - s) if self.flow else s

    def from_ve(self, sigma: float) -> float:
        """The model's own level of a VE sigma."""
        return sigma / (self.noise_scale + sigma) if self.flow else sigma


def frame_of(model_sampling: object) -> Frame:
    """Find a model's frame by asking it to noise a 0 and a 1; ValueError for models that are no denoisers."""
    names = {c.__name__ for c in type(model_sampling).__mro__}
    if names & _NOT_A_DENOISER or not hasattr(model_sampling, "noise_scaling"):
        raise ValueError(
            f"SDEdit needs a diffusion or flow model; this MODEL ({', '.join(sorted(names & _NOT_A_DENOISER))}) has no "
            "noise levels of that kind. Connect another MODEL."
        )
    zero, one, level = torch.zeros(1, 1, 1, 1), torch.ones(1, 1, 1, 1), torch.tensor([0.25])
    signal = float(model_sampling.noise_scaling(level, zero.clone(), one.clone()))
    noise = float(model_sampling.noise_scaling(level, one.clone(), zero.clone()))
    if abs(signal - 1.0) < 1e-5 and abs(noise - 0.25) < 1e-5:
        return Frame()
    if abs(signal - 0.75) < 1e-5 and noise > 0.0:
        return Frame(flow=True, noise_scale=round(noise / 0.25, 6))
    raise ValueError(
        f"SDEdit does not know how this MODEL adds noise (at level 0.25 it keeps {signal:.3g} of the picture "
        f"and adds {noise:.3g}). Connect an eps, v, EDM, x0 or flow model."
    )


class HostSchedule(Schedule):
    """The time of a ComfyUI model: t0 = 1 - its "percent", so t0 = 0.5 is step 500 of 1000 on a DDPM-type model."""

    def __init__(self, model_sampling: object):
        self.frame = frame_of(model_sampling)
        self._sampling = model_sampling
        self._top = float(model_sampling.sigma_max)
        if self.frame.flow:
            self._top = min(self._top, FLOW_MAX)
        self.sigma_min = self.frame.to_ve(float(model_sampling.sigma_min))
        self.sigma_max = self.frame.to_ve(self._top)

    def level(self, t: float) -> float:
        """The model's own noise level at time t; 1 for a flow model at t = 1."""
        if t == 0.0:
            return 0.0
        top = float(self._sampling.sigma_max)
        return top if t >= 1.0 else min(float(self._sampling.percent_to_sigma(1.0 - t)), top)

    def _sigma(self, t: float) -> float:
        return self.frame.to_ve(min(self.level(t), self._top))

    def _t(self, sigma: float) -> float:
        low, high = 0.0, 1.0
        for _ in range(50):
            middle = 0.5 * (low + high)
            low, high = (middle, high) if self._sigma(middle) < sigma else (low, middle)
        return 0.5 * (low + high)

    def note(self, t0: float) -> str:
        if not self.frame.flow or self.level(t0) <= FLOW_MAX:
            return ""
        return f"t0 = {t0:g} means infinite noise for a flow model; it was clamped to sigma {self.sigma_max:g}."

    def __repr__(self) -> str:
        kind = "flow" if self.frame.flow else "diffusion"
        return f"{kind} model, sigma {self.sigma_min:.4g} to {self.sigma_max:.4g}"


class ScoreSampling(torch.nn.Module):
    """A core schedule in the shape of ComfyUI's ``model_sampling``: how stock samplers see a score model."""

    sigma_data = 1.0

    def __init__(self, schedule: Schedule, levels: int = 1000):
        super().__init__()
        self.schedule = schedule
        # the host's schedulers take levels out of this table: none of them is to be a level of no noise
        first = schedule.t(schedule.sigma_min) if schedule.sigma(1.0 / levels) < 0.5 * schedule.sigma_min else 0.0
        table = [schedule.sigma(first + (1.0 - first) * (i + 1) / levels) for i in range(levels)]
        self.register_buffer("sigmas", torch.tensor(table, dtype=torch.float32))
        self.register_buffer("log_sigmas", self.sigmas.log())

    @property
    def sigma_min(self) -> torch.Tensor:
        return torch.tensor(self.schedule.sigma_min)

    @property
    def sigma_max(self) -> torch.Tensor:
        return torch.tensor(self.schedule.sigma_max)

    def timestep(self, sigma: torch.Tensor) -> torch.Tensor:
        """SDE time in thousandths."""
        t = [1000.0 * self.schedule.t(float(s)) for s in sigma.flatten()]
        return torch.tensor(t, dtype=torch.float32, device=sigma.device).reshape(sigma.shape)

    def sigma(self, timestep: torch.Tensor) -> torch.Tensor:
        t = torch.as_tensor(timestep)
        values = [self.schedule.sigma(min(max(float(v) / 1000.0, 0.0), 1.0)) for v in t.flatten()]
        return torch.tensor(values, dtype=torch.float32, device=t.device).reshape(t.shape)

    def percent_to_sigma(self, percent: float) -> float:
        if percent <= 0.0:
            return 999999999.9
        return 0.0 if percent >= 1.0 else self.schedule.sigma(1.0 - percent)

    def calculate_input(self, sigma: torch.Tensor, noise: torch.Tensor) -> torch.Tensor:
        return noise

    def calculate_denoised(
        self, sigma: torch.Tensor, model_output: torch.Tensor, model_input: torch.Tensor
    ) -> torch.Tensor:
        return model_output

    def noise_scaling(
        self, sigma: torch.Tensor, noise: torch.Tensor, latent_image: torch.Tensor, max_denoise: bool = False
    ) -> torch.Tensor:
        if sigma.numel() == 1:
            return torch.add(latent_image, noise, alpha=float(sigma))  # the very numbers of the core's perturb
        return latent_image + noise * sigma.view(sigma.shape[:1] + (1,) * (noise.ndim - 1))

    def inverse_noise_scaling(self, sigma: torch.Tensor, latent: torch.Tensor) -> torch.Tensor:
        return latent


def schedule_of(model_sampling: object) -> Schedule:
    """The schedule to read t0 on: a score model's own, or the host model's."""
    schedule = getattr(model_sampling, "schedule", None)
    return schedule if isinstance(schedule, Schedule) else HostSchedule(model_sampling)


def data_std_of(score_model: ScoreModel | None, model_sampling: object) -> float:
    """Spread of clean data in a MODEL's own space: a score model's, sigma_data of EDM models, 1 for other latents."""
    if score_model is not None:
        return score_model.data_std or 1.0
    return float(getattr(model_sampling, "sigma_data", 1.0))


def is_distilled(score_model: ScoreModel | None) -> bool:
    """Whether a score model says so; of the host's own MODELs nobody knows."""
    return score_model is not None and score_model.distilled


class GuidedModel(ScoreModel):
    """Any MODEL inside its guider as a core ScoreModel: pictures or videos, D(x, sigma) in the VE frame."""

    def __init__(
        self,
        guider: object,
        extra_args: dict,
        noise: torch.Tensor,
        *,
        tick: Callable[[], None],
        parts: Sequence[Sequence[int]] = (),
    ):
        inner = guider.inner_model
        own = getattr(inner, "score_model", None)
        super().__init__(
            guider,
            schedule=schedule_of(inner.model_sampling),
            data_range=None if own is None else own.data_range,
            data_std=data_std_of(own, inner.model_sampling),
            channels=noise.shape[1],
            smooth=own is None or own.smooth,
            distilled=is_distilled(own),
            dims=noise.ndim,
            device=noise.device,
        )
        self.parts = parts
        self._tick = tick
        options = extra_args.get("model_options", {})
        self.guided = getattr(guider, "cfg", 1.0) != 1.0 or any(options.get(name) for name in _GUIDANCE)
        self._frame = frame_of(inner.model_sampling)
        self._shown: tuple[torch.Tensor, Told] | None = None
        self._options = {"model_options": options, "seed": extra_args.get("seed")}

    def show(self, latent: torch.Tensor, told: Told) -> None:
        """Show the network some tokens as its class shows kept ones, those that it is told are clean.

        ``latent``: the clean one in the model's own space, which is also what D is in these tokens.
        """
        self._shown = None if told.clean is None else (latent, told)

    def _call(self, x: torch.Tensor, sigma: float | torch.Tensor, y: torch.Tensor | None) -> torch.Tensor:
        self._tick()
        if isinstance(sigma, torch.Tensor) and sigma.ndim:
            sigmas = sigma.tolist()
            level = x.new_tensor([self._frame.from_ve(s) for s in sigmas], dtype=torch.float32)
            own = x.new_tensor(sigmas)
        else:
            # From the number itself, which a float32 tensor would have rounded, and filled in on the device: a copy
            # from the CPU would wait for all that the device has yet to do.
            level = x.new_full(x.shape[:1], self._frame.from_ve(float(sigma)), dtype=torch.float32)
            own = x.new_full(x.shape[:1], float(sigma))
        state = x * (1.0 - level).reshape(-1, *[1] * (x.ndim - 1)) if self._frame.flow else x
        if self._shown is None:
            return self._denoiser(state, level, **self._options)
        latent, told = self._shown
        noise = (x - latent) / own.reshape(-1, *[1] * (x.ndim - 1))
        scene = {"x": state, "sigma": level, "noise": noise, "latent_image": latent, "denoise_mask": told.mask}
        shown = self._denoiser.inner_model.scale_latent_inpaint(**scene)
        d = self._denoiser(torch.where(told.clean, shown, state), level, **self._options)
        return torch.where(told.clean, latent, d)
