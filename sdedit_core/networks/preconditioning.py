"""From raw networks to denoisers: ``D(x, sigma) = c_skip x + c_out F(c_in x, c_noise)`` in the VE frame.

Every public score network predicts something else (score, noise, v, clean image) from something else (sigma, a
timestep, ln sigma / 4).  Table 1 of Karras et al., EDM (NeurIPS 2022) writes all of them with four functions of
sigma; a :class:`Preconditioning` is one column of that table, plus the schedule and the data range it implies.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import ClassVar

import torch
from torch import Tensor, nn

from ..sde import VESDE, VPSDE, ContinuousVPSDE, Schedule, SubVPSDE, beta_table
from .plain import check_fields, is_number, short

MAX_BETAS = 20_000
LARGEST_BETA = (
    0.999  # where a table ends without signal, sigma would be infinite (Nichol and Dhariwal 2021, section 3.2)
)
LOWEST, HIGHEST = 1e-9, 1e9  # noise levels whose squares are far from the ends of float32
Scalings = tuple[Tensor, Tensor, Tensor, Tensor]


@dataclass(frozen=True)
class Preconditioning:
    """One column of EDM's table 1.  Subclasses give ``schedule`` and ``scalings``; all fields are plain data."""

    data_range: tuple[float, float] = (-1.0, 1.0)
    kind: ClassVar[str] = ""
    distilled: ClassVar[bool] = False  # D jumps to one finished picture and is no mean of all that fit

    def schedule(self) -> Schedule:
        """The forward process that the network was trained for."""
        raise NotImplementedError

    def scalings(self, sigma: Tensor) -> Scalings:
        """(c_skip, c_out, c_in, c_noise) for sigma (B,) float64."""
        raise NotImplementedError

    def to_dict(self) -> dict:
        """Plain data with the kind's name; :func:`preconditioning` is the inverse."""
        return {"kind": self.kind, **asdict(self)}


@dataclass(frozen=True)
class VE(Preconditioning):
    """Continuous VE networks (NCSN++): F = sigma * score, label ln(label_gain * sigma).

    Song's networks work in [0, 1] and read ln sigma; EDM's re-training works in [-1, 1] and reads ln(sigma / 2),
    which is the same noise level.
    """

    sigma_min: float = 0.01
    sigma_max: float = 348.0
    label_gain: float = 1.0
    kind: ClassVar[str] = "ve"

    def schedule(self) -> Schedule:
        return VESDE(self.sigma_min, self.sigma_max)

    def scalings(self, sigma: Tensor) -> Scalings:
        one = torch.ones_like(sigma)
        return one, sigma, one, (sigma * self.label_gain).float().log()


@dataclass(frozen=True)
class DiscreteVE(Preconditioning):
    """VE networks trained on a table of noise levels, the largest first; the label is the nearest level's index.

    As in score-SDE's ``get_score_fn``, the score is F / sigma_label, hence c_out = sigma^2 / sigma_label.
    """

    sigma_min: float = 0.01
    sigma_max: float = 50.0
    levels: int = 1000
    kind: ClassVar[str] = "ve-discrete"

    def schedule(self) -> Schedule:
        return VESDE(self.sigma_min, self.sigma_max)

    def scalings(self, sigma: Tensor) -> Scalings:
        span = math.log(self.sigma_max / self.sigma_min)
        t = (torch.log(sigma / self.sigma_min) / span).clamp(0.0, 1.0)
        label = torch.round((1.0 - t) * (self.levels - 1))
        level = self.sigma_max * torch.exp(-span * label / (self.levels - 1))
        one = torch.ones_like(sigma)
        return one, sigma * sigma / level, one, label


def without_signal(betas: Tensor) -> Tensor:
    """Betas shifted and scaled so that nothing of the signal is left at the end, but for what LARGEST_BETA leaves."""
    root = torch.cumprod(1.0 - betas, 0).sqrt()
    bar = ((root - root[-1]) * (root[0] / (root[0] - root[-1]))).square()
    return (1.0 - bar / torch.cat([torch.ones_like(bar[:1]), bar[:-1]])).clamp(max=LARGEST_BETA)


def _predict(kind: str, sigma: Tensor, c_noise: Tensor) -> Scalings:
    c_in = (1.0 + sigma * sigma).rsqrt()
    if kind == "eps":
        return torch.ones_like(sigma), -sigma, c_in, c_noise
    if kind == "v":
        return c_in * c_in, -sigma * c_in, c_in, c_noise
    return torch.zeros_like(sigma), torch.ones_like(sigma), c_in, c_noise


@dataclass(frozen=True)
class VP(Preconditioning):
    """Discrete VP networks (DDPM, ADM): the label is the timestep, the prediction eps, v or x0.

    ``label_gain`` scales the timestep: networks of improved-diffusion read 0 to 1000 whatever their number of levels.
    ``beta_schedule`` "table" takes ``betas`` as they are.  ``zero_snr``: the table is changed so that no signal is left
    at its last level (Lin et al. 2024, Common Diffusion Noise Schedules, algorithm 1), but a thousandth.
    """

    prediction: str = "eps"
    beta_schedule: str = "linear"
    beta_start: float = 1e-4
    beta_end: float = 0.02
    levels: int = 1000
    label_gain: float = 1.0
    betas: tuple[float, ...] = ()
    zero_snr: bool = False
    kind: ClassVar[str] = "vp"

    def __post_init__(self) -> None:
        if self.prediction not in ("eps", "v", "x0"):
            raise ValueError(f'A prediction is "eps", "v" or "x0", got {short(self.prediction)}.')
        own = self.beta_schedule == "table"
        betas = self.betas if own else ()
        if not isinstance(betas, (list, tuple)) or not all(is_number(b, 0.0, 1.0) for b in betas):
            raise ValueError(f"betas must be numbers from 0 to 1, got {short(betas)}.")
        if own and (len(betas) != self.levels or len(betas) > MAX_BETAS):
            raise ValueError(f"{self.levels} levels need as many betas (at most {MAX_BETAS:,}), got {len(betas)}.")
        object.__setattr__(self, "betas", tuple(float(b) for b in betas))

    def to_dict(self) -> dict:
        """Without what is usual, as versions without these fields read it."""
        return {k: v for k, v in super().to_dict().items() if v or k not in ("betas", "zero_snr")}

    def schedule(self) -> Schedule:
        if self.betas:
            table = torch.tensor(self.betas, dtype=torch.float64)
        else:
            table = beta_table(self.beta_schedule, self.levels, self.beta_start, self.beta_end)
        return VPSDE(without_signal(table) if self.zero_snr else table)

    def scalings(self, sigma: Tensor) -> Scalings:
        return _predict(self.prediction, sigma, self.label_gain * _vp_table(self).timestep(sigma))


@dataclass(frozen=True)
class ContinuousVP(Preconditioning):
    """Continuous VP networks (DDPM++ of score-SDE, EDM's VPPrecond): eps prediction, label 999 t."""

    beta_min: float = 0.1
    beta_max: float = 20.0
    t_min: float = 1e-3
    kind: ClassVar[str] = "vp-continuous"

    def schedule(self) -> Schedule:
        return ContinuousVPSDE(self.beta_min, self.beta_max, self.t_min)

    def scalings(self, sigma: Tensor) -> Scalings:
        span, c = self.beta_max - self.beta_min, torch.log1p(sigma * sigma)
        t = 2.0 * c / (self.beta_min + torch.sqrt(self.beta_min**2 + 2.0 * span * c))
        return _predict("eps", sigma, 999.0 * t)


@dataclass(frozen=True)
class SubVP(ContinuousVP):
    """Networks of the sub-VP SDE (score-SDE): F estimates z, and alpha = exp(-asinh(sigma / 2))."""

    kind: ClassVar[str] = "subvp"

    def schedule(self) -> Schedule:
        return SubVPSDE(self.beta_min, self.beta_max, self.t_min)

    def scalings(self, sigma: Tensor) -> Scalings:
        log_alpha = -torch.asinh(sigma / 2.0)
        span, c = self.beta_max - self.beta_min, -2.0 * log_alpha
        t = 2.0 * c / (self.beta_min + torch.sqrt(self.beta_min**2 + 2.0 * span * c))
        return torch.ones_like(sigma), -sigma, log_alpha.exp(), 999.0 * t


@dataclass(frozen=True)
class EDM(Preconditioning):
    """EDM's own preconditioning; label ``label_gain * ln sigma`` (1/4; OpenAI's consistency repository: 250)."""

    sigma_min: float = 0.002
    sigma_max: float = 80.0
    sigma_data: float = 0.5
    label_gain: float = 0.25
    kind: ClassVar[str] = "edm"

    def schedule(self) -> Schedule:
        return VESDE(self.sigma_min, self.sigma_max)

    def scalings(self, sigma: Tensor) -> Scalings:
        d2, total = self.sigma_data**2, sigma * sigma + self.sigma_data**2
        return d2 / total, sigma * self.sigma_data * total.rsqrt(), total.rsqrt(), sigma.log() * self.label_gain


@dataclass(frozen=True)
class Consistency(EDM):
    """Consistency models: EDM's scalings, changed so that D(x, sigma_min) is x itself; no score.

    D(x, sigma) is where the probability-flow ODE from (x, sigma) ends.  Song et al., Consistency Models (ICML 2023),
    appendix C; c_in and the label are EDM's.  Below sigma_min there is nothing left to do: D is x.
    """

    label_gain: float = 250.0
    kind: ClassVar[str] = "consistency"
    distilled: ClassVar[bool] = True

    def scalings(self, sigma: Tensor) -> Scalings:
        above, d2 = (sigma - self.sigma_min).clamp(min=0.0), self.sigma_data**2
        _, _, c_in, label = super().scalings(sigma)
        return d2 / (above * above + d2), above * self.sigma_data * c_in, c_in, label


@dataclass(frozen=True)
class IDDPM(Preconditioning):
    """EDM's iDDPMPrecond: a cosine table u of noise levels, the label counts from the smallest, eps prediction."""

    levels: int = 1000
    floor: float = 0.001
    offset: float = 0.008
    kind: ClassVar[str] = "iddpm"

    def table(self) -> Tensor:
        """u[0] (largest) to u[levels] = 0; EDM, table 1, column iDDPM + DDIM."""
        j = torch.arange(self.levels + 1, dtype=torch.float64)
        abar = torch.sin(0.5 * math.pi * j / self.levels / (self.offset + 1.0)) ** 2
        ratio = (abar[:-1] / abar[1:]).clamp(min=self.floor)
        # u[j-1]^2 + 1 = (u[j]^2 + 1) / ratio[j-1], from u[levels] = 0 downwards
        log = torch.cat([-ratio.log().flip(0).cumsum(0).flip(0), torch.zeros(1, dtype=torch.float64)])
        return torch.expm1(log).sqrt()

    def schedule(self) -> Schedule:
        # increasing levels as a discrete VP process: 1 + sigma^2 = 1 / alpha_bar
        log_abar = -torch.log1p(self.table()[:-1].flip(0) ** 2)
        step = torch.diff(log_abar, prepend=torch.zeros(1, dtype=torch.float64))
        return VPSDE(-torch.expm1(step))

    def scalings(self, sigma: Tensor) -> Scalings:
        u = _iddpm_table(self, sigma.device)
        index = (sigma[:, None] - u[None]).abs().argmin(1)
        return _predict("eps", sigma, (self.levels - 1 - index).to(sigma.dtype))


_POSITIVE = (
    "sigma_min", "sigma_max", "sigma_data", "label_gain", "beta_min", "beta_max", "beta_start", "beta_end", "t_min",
    "floor",
)  # fmt: skip
KINDS = {c.kind: c for c in (VE, DiscreteVE, VP, ContinuousVP, SubVP, EDM, Consistency, IDDPM)}


def preconditioning(data: dict) -> Preconditioning:
    """The preconditioning that ``to_dict`` described; ValueError for unknown kinds, fields or values."""
    if not isinstance(data, dict):
        raise ValueError(f"A preconditioning is described by a table, got {short(data)}.")
    options = dict(data)
    kind = options.pop("kind", None)
    if not isinstance(kind, str) or kind not in KINDS:
        raise ValueError(f"Preconditioning must be one of {', '.join(KINDS)}, got {short(kind)}.")
    span = options.pop("data_range", (-1.0, 1.0))
    if not isinstance(span, (list, tuple)) or len(span) != 2 or not all(is_number(v, -1e6, 1e6) for v in span):
        raise ValueError(f"data_range must be two numbers, low < high, got {short(span)}.")
    if not span[0] < span[1]:
        raise ValueError(f"data_range must be two numbers, low < high, got {short(span)}.")
    try:
        result = KINDS[kind](data_range=(float(span[0]), float(span[1])), **options)
    except TypeError as error:
        reason = " ".join(str(error).split())[:200]  # a name in it may be anything
        raise ValueError(f"The preconditioning {short(data)} does not fit: {reason}.") from None
    check_fields(result)
    for name in _POSITIVE:
        if not getattr(result, name, 1.0) > 0.0:
            raise ValueError(f"{name} must be a number above 0, got {short(getattr(result, name))}.")
    if not 2 <= getattr(result, "levels", 2) <= 100_000:
        raise ValueError(f"A noise table has 2 to 100000 levels, got {result.levels}.")
    check_levels(result)
    return result


def check_levels(process: Preconditioning) -> Preconditioning:
    """The noise process; ValueError when its levels rise to where float32 numbers end, or do not rise."""
    try:
        schedule = process.schedule()
    except ArithmeticError:
        raise ValueError(f"The noise levels of this {process.kind} process grow beyond {HIGHEST:g}.") from None
    low, high = schedule.sigma_min, schedule.sigma_max
    if not LOWEST <= low < high <= HIGHEST:
        raise ValueError(
            f"The noise levels go from {low:g} to {high:g}; they must rise, between {LOWEST:g} and {HIGHEST:g}."
        )
    return process


@lru_cache(maxsize=32)
def _vp_table(p: VP) -> VPSDE:
    return p.schedule()


@lru_cache(maxsize=32)
def _iddpm_table(p: IDDPM, device: torch.device) -> Tensor:
    return p.table().to(device)


class Denoiser(nn.Module):
    """``D(x, sigma)``: a raw network and its preconditioning as one module.

    Args:
        network: ``F(x, label, y)``; x (B,C,H,W) float32 in the network's own units, label (B,) float32.
        preconditioning: how to read it.
        channels: image channels; further outputs (ADM's variance) are dropped.
        gain: the network's input is ``gain * c_in * x + offset`` (2x - 1 for Song's networks in [0, 1]).
        offset: see ``gain``.
    """

    def __init__(
        self, network: nn.Module, preconditioning: Preconditioning, *, channels: int, gain: float, offset: float
    ):
        super().__init__()
        self.network, self.preconditioning = network, preconditioning
        self.channels, self.gain, self.offset = channels, float(gain), float(offset)
        self._compiled = False

    def forward(self, x: Tensor, sigma: Tensor | float, y: Tensor | None = None) -> Tensor:
        """E[x0 | x] float32, for x (B,C,H,W) in the VE frame and sigma > 0, (B,) or one number for all."""
        c_skip, c_out, c_in, label = self._scalings(x, sigma)
        c_skip, c_out, c_in = (v.reshape(-1, 1, 1, 1) for v in (c_skip, c_out, c_in))
        x = x.float()
        out = self._call(x * (self.gain * c_in) + self.offset, label, y)
        return torch.addcmul(c_skip * x, c_out, out[:, : self.channels].float())

    def _scalings(self, x: Tensor, sigma: Tensor | float) -> Scalings:
        """The four functions of sigma, (B,) float32 on x's device.

        Of a number they are numbers, computed on the CPU and filled in: a GPU's queue goes on meanwhile.
        """
        if not isinstance(sigma, Tensor):
            of_one = self.preconditioning.scalings(torch.tensor([sigma], dtype=torch.float64))
            return tuple(torch.full(x.shape[:1], v.float().item(), device=x.device) for v in of_one)
        wide = sigma.cpu() if sigma.device.type == "mps" else sigma  # float64 is unknown there
        return tuple(v.float().to(x.device) for v in self.preconditioning.scalings(wide.double()))

    def compile_network(self) -> None:
        """Let ``torch.compile`` build the network at its first call, and again for each new shape."""
        self.network.compile()
        self._compiled = True

    def _call(self, x: Tensor, label: Tensor, y: Tensor | None) -> Tensor:
        if not self._compiled:
            return self.network(x, label, y)
        try:
            return self.network(x, label, y)
        except (ValueError, torch.OutOfMemoryError):
            raise
        except Exception as error:  # whatever compilers and drivers say
            reason = (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
            raise ValueError(
                f"torch.compile cannot build this network here ({reason}). "
                "It needs a C++ compiler on a CPU, Triton on a GPU. Load the model without compile."
            ) from error
