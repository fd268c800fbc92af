"""Forward processes, all seen in the variance-exploding (VE) frame ``x = x0 + sigma * z``.

A schedule answers one question: how strong is the noise at SDE time ``t``?  ``t`` runs from 0 (clean) to 1.
VP states enter the VE frame by ``x_VE = x / alpha`` with ``sigma = sqrt(1 - alpha^2) / alpha``, flow states by
``x_VE = x / (1 - s)`` with ``sigma = s / (1 - s)``; one solver then serves every model.

Sources: Meng et al., SDEdit (ICLR 2022), section 2 and appendix C.1; Song et al., Score-Based Generative
Modeling through SDEs (ICLR 2021), appendix B and C; Karras et al., EDM (NeurIPS 2022), table 1.
"""

from __future__ import annotations

import math
import operator
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence

import torch


def is_bool(value: object) -> bool:
    """Python's, numpy's or torch's yes or no, which Python takes for a number."""
    return isinstance(value, bool) or str(getattr(value, "dtype", "")) in ("bool", "torch.bool")


def short(value: object) -> str:
    """A value as it may be shown in a sentence, whatever its length."""
    text = repr(value) if not isinstance(value, int) or -(1 << 128) < value < 1 << 128 else "a very long number"
    return text if len(text) <= 60 else text[:60] + "..."


def listed(names: Iterable[str]) -> str:
    """Names from outside, one after the other, none of them long and all on one line."""
    return ", ".join(" ".join(name.split()) if len(name) <= 60 else name[:60] + "..." for name in names)


def whole_number(value: object, *, point: bool = False) -> int | None:
    """The value as an int when it is a whole number of Python, numpy or torch, not yes or no; None otherwise.

    ``point``: 20.0 is one too.
    """
    if is_bool(value):
        return None
    if point and isinstance(value, float) and value.is_integer():
        return int(value)
    try:
        return operator.index(value)
    except TypeError:
        return None


def check_dial(given: float, name: str, *, most: str, hint: str) -> float:
    """Return a value of the dial as a float in [0, 1]; ``ValueError`` for anything else, such as NaN, text, yes or no.

    ``name`` (of the unit), what ``most`` of it means, and a ``hint`` at good values are the words of the errors.
    """
    try:
        value = float("yes or no" if is_bool(given) else given)
    except (OverflowError, TypeError, ValueError):
        raise ValueError(f"{name} must be a number between 0 and 1, got {short(given)}.") from None
    if not 0.0 <= value <= 1.0:
        raise ValueError(f"{name} must lie between 0 (return the guide) and 1 ({most}), got {short(value)}. {hint}")
    return value


def check_t0(t0: float) -> float:
    """Return ``t0`` as a float in [0, 1]; ``ValueError`` for anything else."""
    hint = "0.3 to 0.6 is a start on SD 1.5, SDXL and score networks, less on models with a shift (SD3, Flux, Wan)."
    return check_dial(t0, "t0", most="almost all noise", hint=hint)


def t0_text(t0: float) -> str:
    """t0 as the shortest text that is this number and no other: "0.3", "0", "0.30001"; for names of files."""
    return repr(float(t0)).removesuffix(".0")


class Schedule(ABC):
    """A forward process in the VE frame.

    Attributes:
        sigma_min: smallest noise level that the model was trained for (a solver ends here, then takes D).
        sigma_max: noise level at t = 1, finite.
    """

    sigma_min: float
    sigma_max: float

    @abstractmethod
    def _sigma(self, t: float) -> float:
        """sigma for 0 < t <= 1."""

    @abstractmethod
    def _t(self, sigma: float) -> float:
        """t for a positive sigma inside the range."""

    def sigma(self, t: float) -> float:
        """Noise standard deviation at SDE time ``t`` in [0, 1]; exactly 0 at t = 0. ValueError outside."""
        t = check_t0(t)
        return 0.0 if t == 0.0 else min(self._sigma(t), self.sigma_max)

    def t(self, sigma: float) -> float:
        """SDE time in [0, 1] of a noise level (inverse of :meth:`sigma`); clamped at both ends."""
        sigma = float(sigma)
        if not sigma >= 0.0:
            raise ValueError(f"sigma must be a number >= 0, got {short(sigma)}.")
        if sigma == 0.0:
            return 0.0
        return min(max(self._t(min(sigma, self.sigma_max)), 0.0), 1.0)

    def note(self, t0: float) -> str:
        """One plain sentence when ``t0`` had to be clamped, else an empty string."""
        return ""


class VESDE(Schedule):
    """Variance-exploding SDE: ``sigma(t) = sigma_min * (sigma_max / sigma_min)^t`` and ``sigma(0) = 0``.

    The exact zero matters: the last step of SDEdit goes to 0, not to ``sigma_min`` (SDEdit, appendix C.1).
    Units are those of the model's data range; the paper's networks use [0, 1] and sigma_max 348 to 380.
    """

    def __init__(self, sigma_min: float = 0.01, sigma_max: float = 348.0):
        if not (math.isfinite(sigma_max) and 0.0 < sigma_min < sigma_max):
            raise ValueError(f"VESDE needs 0 < sigma_min < sigma_max, got {short(sigma_min)} and {short(sigma_max)}.")
        self.sigma_min, self.sigma_max = float(sigma_min), float(sigma_max)

    def _sigma(self, t: float) -> float:
        return self.sigma_min * (self.sigma_max / self.sigma_min) ** t

    def _t(self, sigma: float) -> float:
        return math.log(sigma / self.sigma_min) / math.log(self.sigma_max / self.sigma_min)

    def __repr__(self) -> str:
        return f"VESDE(sigma_min={self.sigma_min:g}, sigma_max={self.sigma_max:g})"


class FadingVESDE(VESDE):
    """A VESDE without its jump at 0: below t = 0.2 sigma falls to 0 as ``t^3``; above it is the same.

    The paper's process starts at sigma_min for the smallest t, so a grey of 1/255 in a mask is noise of 2.5/255.  A
    network of a real picture takes that away; models that know some pictures only (see :mod:`.priors`) need an end of
    the scale at which the guide is not touched.  The power is chosen for what a JPEG of quality 75 leaves of black (up
    to 36/255, of t0 0.4): with 3 it stays within about 2/255 of the guide.
    """

    t_fade = 0.2

    def _sigma(self, t: float) -> float:
        return super()._sigma(t) if t >= self.t_fade else super()._sigma(self.t_fade) * (t / self.t_fade) ** 3

    def _t(self, sigma: float) -> float:
        end = super()._sigma(self.t_fade)
        return super()._t(sigma) if sigma >= end else self.t_fade * (sigma / end) ** (1.0 / 3.0)

    def __repr__(self) -> str:
        return f"FadingVESDE(sigma_min={self.sigma_min:g}, sigma_max={self.sigma_max:g}, 0 at t = 0)"


BETA_TABLES = ("linear", "scaled_linear", "cosine", "sigmoid", "sigmoid-betas")


def beta_table(name: str, levels: int, start: float, end: float) -> torch.Tensor:
    """Discrete DDPM schedules, (levels,) float64.

    "linear", "scaled_linear", "cosine" (Nichol and Dhariwal 2021, equation 17), "sigmoid" (Jabri et al. 2022, Scalable
    Adaptive Computation, figure 8, from -3 to 3: what is left of the signal falls like a sigmoid) and "sigmoid-betas"
    (diffusers' "sigmoid": the betas rise like one, from -6 to 6).
    """
    if name == "linear":
        return torch.linspace(start, end, levels, dtype=torch.float64)
    if name == "scaled_linear":
        return torch.linspace(start**0.5, end**0.5, levels, dtype=torch.float64) ** 2
    if name == "cosine":
        u = torch.linspace(0.0, 1.0, levels + 1, dtype=torch.float64)
        abar = torch.cos((u + 0.008) / 1.008 * math.pi / 2) ** 2
        return (1.0 - abar[1:] / abar[:-1]).clamp(max=0.999)
    if name == "sigmoid":
        fall = torch.sigmoid(torch.linspace(3.0, -3.0, levels + 1, dtype=torch.float64))
        abar = (fall - fall[-1]) / (fall[0] - fall[-1])
        return (1.0 - abar[1:] / abar[:-1]).clamp(max=0.999)
    if name == "sigmoid-betas":
        return torch.sigmoid(torch.linspace(-6.0, 6.0, levels, dtype=torch.float64)) * (end - start) + start
    raise ValueError(f"Noise schedules are {', '.join(BETA_TABLES)}; got {short(name)}.")


class VPSDE(Schedule):
    """Variance-preserving process of a DDPM network with discrete levels.

    ``t = n / N`` is level ``n`` of N: t0 = 0.5 with 1000 levels is the official code's ``--t 500``, whose state
    has ``alpha_bar[n - 1]`` (0-based).  Between levels log sigma is interpolated; below the first level sigma
    falls linearly to 0.  Default betas: 1000 levels, linear from 1e-4 to 0.02 (Ho et al., DDPM, section 4).
    """

    def __init__(self, betas: Sequence[float] | torch.Tensor | None = None):
        if betas is None:
            betas = torch.linspace(1e-4, 0.02, 1000, dtype=torch.float64)
        b = torch.as_tensor(betas, dtype=torch.float64).flatten()
        if b.numel() < 2 or not bool(((b > 0) & (b < 1)).all()):
            raise ValueError("VPSDE needs at least two betas, each between 0 and 1.")
        log_abar = torch.log1p(-b).cumsum(0)
        self.log_sigmas = 0.5 * (torch.log(-torch.expm1(log_abar)) - log_abar)
        self.levels = b.numel()
        self._log = self.log_sigmas.tolist()
        self._tables = {self.log_sigmas.device: self.log_sigmas}  # by device
        self.sigma_min, self.sigma_max = math.exp(self._log[0]), math.exp(self._log[-1])

    def _sigma(self, t: float) -> float:
        n = t * self.levels
        if n <= 1.0:
            return n * self.sigma_min
        i = min(int(n - 1.0), self.levels - 2)
        f = n - 1.0 - i
        return math.exp(self._log[i] * (1.0 - f) + self._log[i + 1] * f)

    def _t(self, sigma: float) -> float:
        if sigma <= self.sigma_min:
            return sigma / self.sigma_min / self.levels
        return (self.timestep(sigma) + 1.0) / self.levels

    def timestep(self, sigma: float | torch.Tensor) -> float | torch.Tensor:
        """Network timestep 0 .. N-1 of a noise level, fractional, interpolated in log sigma and clamped."""
        s = torch.as_tensor(sigma, dtype=torch.float64).clamp(self.sigma_min, self.sigma_max)
        if s.device not in self._tables:
            self._tables[s.device] = self.log_sigmas.to(s.device)
        log_s, table = s.log(), self._tables[s.device]
        i = torch.searchsorted(table, log_s.contiguous(), right=True).sub(1).clamp(0, self.levels - 2)
        out = (i + (log_s - table[i]) / (table[i + 1] - table[i])).clamp(0, self.levels - 1)
        return out if isinstance(sigma, torch.Tensor) else float(out)

    def __repr__(self) -> str:
        return f"VPSDE(levels={self.levels}, sigma {self.sigma_min:.4g} to {self.sigma_max:.4g})"


class ContinuousVPSDE(Schedule):
    """Variance-preserving SDE ``dx = -b(t)/2 x dt + sqrt(b(t)) dw``, ``b(t) = beta_min + t (beta_max - beta_min)``.

    Song et al. (2021), appendix C: ``log alpha(t) = -t^2 (beta_max - beta_min) / 4 - t beta_min / 2``.
    """

    def __init__(self, beta_min: float = 0.1, beta_max: float = 20.0, t_min: float = 1e-3):
        if not (0.0 < beta_min < beta_max and 0.0 < t_min < 1.0):
            raise ValueError(
                f"ContinuousVPSDE needs 0 < beta_min < beta_max and 0 < t_min < 1, got {beta_min}, {beta_max}, {t_min}."
            )
        self.beta_min, self.beta_max, self.t_min = float(beta_min), float(beta_max), float(t_min)
        self.sigma_min, self.sigma_max = self._sigma(t_min), self._sigma(1.0)

    def _sigma(self, t: float) -> float:
        return math.sqrt(math.expm1(t * t * (self.beta_max - self.beta_min) / 2.0 + t * self.beta_min))

    def _t(self, sigma: float) -> float:
        d, c = self.beta_max - self.beta_min, math.log1p(sigma * sigma)
        return 2.0 * c / (self.beta_min + math.sqrt(self.beta_min**2 + 2.0 * d * c))

    def __repr__(self) -> str:
        return f"ContinuousVPSDE(beta_min={self.beta_min:g}, beta_max={self.beta_max:g})"


class SubVPSDE(ContinuousVPSDE):
    """sub-VP SDE of Song et al. (2021), appendix B: x = alpha x0 + (1 - alpha^2) z, so sigma = 1/alpha - alpha."""

    def _sigma(self, t: float) -> float:
        log_alpha = -t * t * (self.beta_max - self.beta_min) / 4.0 - t * self.beta_min / 2.0
        return -2.0 * math.sinh(log_alpha)

    def _t(self, sigma: float) -> float:
        span, c = self.beta_max - self.beta_min, 2.0 * math.asinh(sigma / 2.0)
        return 2.0 * c / (self.beta_min + math.sqrt(self.beta_min**2 + 2.0 * span * c))
