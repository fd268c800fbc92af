"""The one contract of the core: a denoiser ``D(x, sigma) = E[x0 | x]`` and what is known about it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch

from .sde import VESDE, Schedule

Denoiser = Callable[..., torch.Tensor]


@dataclass
class ModelInfo:
    """What was loaded, what was detected from it, and what had to be assumed."""

    name: str = "custom denoiser"
    architecture: str = "Python function"
    source: str = "Python"
    weights: str = ""
    parameters: int = 0
    detected: list[str] = field(default_factory=list)
    assumed: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    def lines(self) -> list[str]:
        """Human-readable lines for read-outs and ``sdedit info``."""
        out = [f"model: {self.name}", f"architecture: {self.architecture}", f"source: {self.source}"]
        if self.weights:
            out.append(f"weights: {self.weights}")
        if self.parameters:
            out.append(f"parameters: {self.parameters:,}")
        groups = {"detected": self.detected, "assumed": self.assumed, "said by you": self.said, "note": self.notes}
        out += [f"{title}: {item}" for title, items in groups.items() for item in items]
        return list(dict.fromkeys(out))

    def __str__(self) -> str:
        return "\n".join(self.lines())


class ScoreModel:
    """A score model in the VE frame: ``x = x0 + sigma * z`` with x0 in the model's own ``data_range``.

    Args:
        denoiser: ``fn(x, sigma)`` or ``fn(x, sigma, y)``; x (B,C,H,W) float32, sigma (B,) float32,
            y (B,) int64 class labels; returns E[x0 | x], same shape as x.
        schedule: the forward process; owns sigma_min, sigma_max, ``sigma(t)`` and ``t(sigma)``.
        data_range: (low, high) of clean pixels, or None for latents without a fixed range.
        channels: number of channels of x.
        size: native (height, width), or None when any size works equally well.
        size_multiple: height and width must be multiples of this.
        num_classes: for class-conditional networks.
        dims: dimensions of a state: 4 for pictures, 5 for videos (B,C,F,H,W), 3 for sounds (B,C,L).
        data_std: spread of clean data, for the automatic grid: by default a quarter of the data range.
        module: the torch module behind ``denoiser``, when there is one (to move it, to count its weights).
        distilled: whether D(x, sigma) is no mean but a sample, the end of the probability-flow ODE from x, as of
            consistency, LCM, Turbo and DMD models: it runs with solver few_step alone ("auto" takes that) and has no
            score.
        takes_numbers: whether ``denoiser`` also takes sigma as one number for the whole batch.  It is then given the
            number itself when a run is at one level, so that a GPU's queue need not be waited for to read it back.
        smooth: whether D changes smoothly with x, as a network's does.  False for a denoiser that switches between
            answers, as a patch prior does: the automatic solver then ends more gently (finish "balanced"), and a run
            does not judge whether D is a mean.
        prior: the training-free prior behind ``denoiser``, when there is one; its ``tick`` attribute may be set
            to a function that is called often during an evaluation and may raise to stop it.
        info: provenance.

    Attributes:
        parts: shapes of several things that lie in a row in one sample, such as video and audio; each then has random
            numbers of its own.
    """

    guided = False  # whether guidance (cfg) moves D away from the mean: then a run does not judge what kind of D it is
    parts: Sequence[Sequence[int]] = ()

    def __init__(
        self,
        denoiser: Denoiser,
        *,
        schedule: Schedule,
        data_range: tuple[float, float] | None = (0.0, 1.0),
        channels: int = 3,
        size: tuple[int, int] | None = None,
        size_multiple: int = 1,
        num_classes: int | None = None,
        device: str | torch.device = "cpu",
        dtype: torch.dtype = torch.float32,
        module: torch.nn.Module | None = None,
        prior: object | None = None,
        smooth: bool = True,
        dims: int = 4,
        data_std: float | None = None,
        distilled: bool = False,
        takes_numbers: bool = False,
        info: ModelInfo | None = None,
    ):
        if not callable(denoiser):
            raise ValueError(f"denoiser must be a function D(x, sigma), got {type(denoiser).__name__}.")
        if data_range is not None and not data_range[0] < data_range[1]:
            raise ValueError(f"data_range must be (low, high) with low < high, got {data_range!r}.")
        self._denoiser = denoiser
        self.schedule = schedule
        self.data_range = None if data_range is None else (float(data_range[0]), float(data_range[1]))
        self.channels = int(channels)
        self.size = size
        self.size_multiple = int(size_multiple)
        self.num_classes = num_classes
        self.device = torch.device(device)
        self.dtype = dtype
        self.module = module
        self.prior = prior
        self.smooth = bool(smooth)
        self.dims = int(dims)
        self._data_std = data_std
        self.distilled = bool(distilled)
        self._takes_numbers = bool(takes_numbers)
        self.info = info or ModelInfo()

    @property
    def data_std(self) -> float | None:
        """Spread of clean data as ``sampling.grids.sigma_grid`` wants it: as given, or a quarter of the range."""
        if self._data_std is not None:
            return self._data_std
        return None if self.data_range is None else 0.25 * (self.data_range[1] - self.data_range[0])

    @classmethod
    def from_denoiser(
        cls,
        fn: Denoiser,
        *,
        schedule: Schedule | None = None,
        data_range: tuple[float, float] | None = (0.0, 1.0),
        channels: int = 3,
        **options,
    ) -> ScoreModel:
        """Wrap any function ``fn(x, sigma) -> E[x0 | x]``; the schedule defaults to ``VESDE(0.01, 348.0)``."""
        schedule = VESDE(0.01, 348.0) if schedule is None else schedule
        return cls(fn, schedule=schedule, data_range=data_range, channels=channels, **options)

    def denoise(self, x: torch.Tensor, sigma: float | torch.Tensor, y: torch.Tensor | None = None) -> torch.Tensor:
        """E[x0 | x] for a state x (B,C,H,W) at noise level sigma (a number, or one per sample (B,)).

        Raises ValueError when the shape, the class labels or the result do not fit the model.
        """
        if x.dim() != self.dims or x.shape[1] != self.channels:
            raise ValueError(f"This model works on {self._shape}; got a tensor of shape {tuple(x.shape)}.")
        d = self._call(x, sigma, y)
        if d.shape != x.shape:
            raise ValueError(f"The denoiser returned shape {tuple(d.shape)} for an input of shape {tuple(x.shape)}.")
        return d

    def _call(self, x: torch.Tensor, sigma: float | torch.Tensor, y: torch.Tensor | None) -> torch.Tensor:
        if y is not None and self.num_classes is None:
            raise ValueError("This model has no classes; leave the class label out.")
        s = self._level(x, sigma)
        return self._denoiser(x, s) if y is None else self._denoiser(x, s, y)

    def _level(self, x: torch.Tensor, sigma: float | torch.Tensor) -> torch.Tensor | float:
        """sigma as ``denoiser`` takes it.  A number is filled in on x's device: nothing is copied there or back."""
        on_cpu = not isinstance(sigma, torch.Tensor) or sigma.device.type == "cpu"
        s = torch.as_tensor(sigma, dtype=torch.float32)
        if s.dim() == 0 and on_cpu:
            value = s.item()  # rounded to float32, as it is for all denoisers
            return value if self._takes_numbers else torch.full(x.shape[:1], value, device=x.device)
        s = s.to(x.device)
        s = s.expand(x.shape[0]) if s.dim() == 0 else s
        if s.shape != (x.shape[0],):
            raise ValueError(f"sigma must be a number or one per sample ({x.shape[0]},), got {tuple(s.shape)}.")
        return s

    @property
    def _shape(self) -> str:
        sides = {3: "length", 5: "frames, height, width"}.get(self.dims, "height, width")
        return f"(batch, {self.channels}, {sides})"

    def score(self, x: torch.Tensor, sigma: float | torch.Tensor, y: torch.Tensor | None = None) -> torch.Tensor:
        """Score of the noised data, ``(D(x, sigma) - x) / sigma^2`` (Tweedie's formula); sigma > 0.

        ValueError for a distilled model, whose D is no mean.
        """
        if self.distilled:
            raise ValueError(
                "A distilled model has no score: its D(x, sigma) is a finished picture, not the mean of all that fit. "
                "Use denoise, or solver few_step."
            )
        s = torch.as_tensor(sigma, dtype=torch.float32, device=x.device).reshape(-1, *[1] * (x.dim() - 1))
        if not bool((s > 0).all()):
            raise ValueError("The score is defined for sigma > 0 only.")
        return (self.denoise(x, sigma, y) - x) / s**2

    def check_guide(self, guide: torch.Tensor) -> torch.Tensor:
        """Return the guide as float32 on the model's device, or raise a ValueError that says what is wrong."""
        if not isinstance(guide, torch.Tensor):
            raise ValueError(f"The guide must be a tensor {self._shape}, got {type(guide).__name__}.")
        if guide.dim() != self.dims or guide.shape[0] < 1:
            raise ValueError(f"The guide must have shape {self._shape}, got {tuple(guide.shape)}.")
        if guide.shape[1] != self.channels:
            raise ValueError(
                f"This model works on {self.channels} channels, the guide has {guide.shape[1]} "
                f"(shape {tuple(guide.shape)}). Drop an alpha channel or convert grey to RGB first."
            )
        h, w = guide.shape[-2:]
        m = self.size_multiple
        if 0 in guide.shape or h % m or w % m:
            raise ValueError(
                f"This model needs height and width in multiples of {m}, the guide is {w} x {h}. "
                "Resize, crop or pad the guide first."
            )
        guide = guide.to(device=self.device, dtype=torch.float32)
        if not bool(torch.isfinite(guide).all()):
            raise ValueError("The guide contains NaN or infinite values; check the node or file it comes from.")
        if self.data_range is not None:
            low, high = self.data_range
            slack = 0.25 * (high - low)
            lo, hi = float(guide.min()), float(guide.max())
            if lo < low - slack or hi > high + slack:
                raise ValueError(
                    f"The guide's values run from {lo:.3g} to {hi:.3g}, this model expects {low:g} to {high:g}. "
                    "Convert it with sdedit_core.pictures.io.to_range."
                )
        return guide
