"""Denoising score matching for the VE SDE: one step, many steps, and the state between them.

Loss: weight(sigma) |D(x0 + sigma z, sigma) - x0|^2 over sigma, z and data (Vincent 2011; Song et al. 2021); noise
levels, weight and preconditioning follow Karras et al. (EDM, 2022).  Everything random in step k is drawn from a
generator keyed by (seed, k, part, rank): a run that stops and goes on is the run that never stopped.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ..model import ModelInfo, ScoreModel
from ..networks import build_network
from ..networks.preconditioning import EDM, Denoiser
from ..sampling.noise import mix64
from ..sde import short
from .architectures import fresh_network, network_spec
from .averaging import Average, Twin
from .levels import LossByLevel, draw_levels, loss_weight
from .settings import Settings
from .sources import Source

_DAMAGED = "The state of the interrupted run is damaged, or of another kind of run: {}. Move it away to begin anew."


def reference_mean(noised: Tensor, sigma: Tensor, reference: Tensor) -> Tensor:
    """E[x0 | x] when x0 is one of the ``reference`` pictures, all equally likely.

    The stable target of Xu et al. (ICLR 2023), eq. 9.  When x0 was drawn from the reference this is the mean of the
    usual target x0 given x and the reference: the same network minimises the loss, with less noise in the gradient.

    Args:
        noised: x = x0 + sigma z, (B, C, H, W) float32.
        sigma: (B,).
        reference: (N, C, H, W), holds every x0.
    """
    x, y = noised.flatten(1), reference.flatten(1)
    # -|x - y|^2 / 2 without |x|^2, which is the same for all y and would only cost digits
    logits = (torch.addmm(-0.5 * y.square().sum(1), x, y.T)) / sigma.square()[:, None]
    return (torch.softmax(logits, dim=1) @ y).view_as(noised)


@dataclass(frozen=True)
class Progress:
    """What a run has done: losses since the last report, by noise level; pictures per second over all processes."""

    step: int
    steps: int
    loss: float
    by_level: dict[str, float]
    rate: float
    gradient: float
    pictures: int
    per_second: float


class Trainer:
    """One training run.

    Args:
        source: where pictures come from.
        settings: all choices.
        device: where to compute.
        rank: this process among those that train together (torch.distributed already set up).
        world: number of those processes.
        compile: run the network through ``torch.compile``.
    """

    def __init__(
        self,
        source: Source,
        settings: Settings,
        *,
        device: str | torch.device = "cpu",
        rank: int = 0,
        world: int = 1,
        compile: bool = False,
    ):
        if settings.batch % (settings.accumulate * world):
            raise ValueError(
                f"A batch of {settings.batch} cannot be cut into {settings.accumulate} equal parts for each of {world} "
                "processes."
            )
        self.source, self.settings = source, settings
        self.device, self.rank, self.world = torch.device(device), rank, world
        self.step, self.pictures = 0, 0
        self.spec = network_spec(settings.network, channels=source.channels)
        self.preconditioning = EDM(
            data_range=source.data_range,
            sigma_min=settings.sigma_min,
            sigma_max=settings.sigma_max,
            sigma_data=self._measure(),
        )
        self._build(compile)

    def _measure(self) -> float:
        """Root mean square of the data to three digits, from 256 pictures of the first size."""
        generator = self._generator(0, 0, stream=7, rank=0)
        sample = self.source.draw(256, self.source.sizes[0], generator).cpu().double()
        if not bool(torch.isfinite(sample).all()):
            raise ValueError("The training pictures contain NaN or infinite values.")
        spread = sample.square().mean().sqrt().clamp_min(1e-3).float().to(self.device)
        if self.world > 1:
            torch.distributed.broadcast(spread, 0)
        return float(f"{spread:.3g}")

    def _build(self, compile: bool) -> None:
        s = self.settings
        self.network = fresh_network(self.spec, seed=mix64(s.seed, 11) >> 1, device=self.device)
        self.average = Average(self.network, s.ema)
        weights = [p for p in self.network.parameters() if p.requires_grad]
        fused = self.device.type == "cuda"
        self.optimizer = torch.optim.AdamW(
            weights, lr=s.rate, betas=(0.9, 0.99), weight_decay=s.weight_decay, fused=fused
        )
        half = None
        if s.precision == "bf16":
            half = build_network(self.spec, dtype=torch.bfloat16).train()
            half = half.to(device=self.device, memory_format=torch.channels_last)
        self.twin = Twin(self.network, half)
        self._run: nn.Module = self._denoiser(self.twin.running)
        if self.world > 1:
            ids = [self.device.index] if self.device.type == "cuda" else None
            self._run = nn.parallel.DistributedDataParallel(self._run, device_ids=ids)
        if compile:
            self._run = torch.compile(self._run, dynamic=False)  # every size for itself: few sizes, many steps
        self.losses = LossByLevel(self.device)

    def _denoiser(self, network: nn.Module) -> Denoiser:
        return Denoiser(network, self.preconditioning, channels=self.source.channels, gain=1.0, offset=0.0)

    def _generator(self, step: int, part: int, *, stream: int, rank: int) -> torch.Generator:
        key = mix64(self.settings.seed, stream, step, part, rank)
        return torch.Generator(device=self.device).manual_seed(key >> 1)

    def train_step(self) -> Tensor:
        """One optimisation step; returns the norm of the gradient before clipping, on the device."""
        s = self.settings
        sizes = self.source.sizes
        shares = torch.tensor([size.share for size in sizes])
        coin = torch.Generator().manual_seed(mix64(s.seed, 13, self.step) >> 1)
        size = sizes[int(torch.multinomial(shares, 1, generator=coin))]
        count = size.batch(s.batch // (s.accumulate * self.world), sizes[0])
        self.twin.pull()
        for part in range(s.accumulate):
            generator = self._generator(self.step, part, stream=12, rank=self.rank)
            pool = self.source.draw(max(count, s.reference), size, generator)
            if s.flip:
                mirror = torch.rand(len(pool), 1, 1, 1, generator=generator, device=self.device) < 0.5
                pool = torch.where(mirror, pool.flip(3), pool)
            clean = pool[:count]
            sigma = draw_levels(count, s, generator)
            noise = torch.randn(clean.shape, generator=generator, device=self.device)
            noised = clean + sigma.view(-1, 1, 1, 1) * noise
            target = reference_mean(noised, sigma, pool) if s.reference else clean
            error = (self._run(noised, sigma) - target).square().mean((1, 2, 3))
            loss = loss_weight(sigma, self.preconditioning.sigma_data) * error
            (loss.mean() / s.accumulate).backward()
            self.twin.push()
            self.losses.add(sigma, loss.detach())
        norm = torch.nn.utils.clip_grad_norm_(self.network.parameters(), s.clip)
        for group in self.optimizer.param_groups:
            group["lr"] = s.learning_rate(self.step)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        self.step += 1
        self.pictures += count * s.accumulate * self.world
        self.average.update(self.network, self.step)
        return norm

    def run(
        self,
        *,
        every: int = 100,
        report: Callable[[Progress], None] | None = None,
        stop: Callable[[], bool] | None = None,
        until: int | None = None,
    ) -> None:
        """Train up to step ``until`` (default: all), reporting every so many steps; ``stop`` ends it early.

        Raises ValueError when the loss is no longer finite.
        """
        last, pictures, began = self.step, self.pictures, time.perf_counter()
        until = self.settings.steps if until is None else min(until, self.settings.steps)
        while self.step < until:
            norm = self.train_step()
            ending = self.step >= until or (stop is not None and stop())
            if self.step - last >= every or ending:
                loss, by_level = self.losses.read()
                if not loss < 1e6:
                    raise ValueError(f"The loss is {loss:g} at step {self.step}: diverged. Lower the learning rate.")
                now = time.perf_counter()
                speed = (self.pictures - pictures) / max(1e-9, now - began)
                rate = self.settings.learning_rate(self.step - 1)
                last, pictures, began = self.step, self.pictures, now
                if report is not None:
                    done = Progress(
                        self.step, self.settings.steps, loss, by_level, rate, float(norm), self.pictures, speed
                    )
                    report(done)
            if ending:
                return

    def score_model(self, *, averaged: bool = True) -> ScoreModel:
        """The network of this moment as a ScoreModel (it goes on changing while training goes on)."""
        denoiser = self._denoiser(self.average.network if averaged else self.network)

        def denoise(x: Tensor, sigma: Tensor | float) -> Tensor:
            with torch.no_grad():
                return denoiser(x, sigma)

        return ScoreModel(
            denoise,
            schedule=self.preconditioning.schedule(),
            data_range=self.source.data_range,
            channels=self.source.channels,
            size_multiple=self.spec.size_multiple,
            device=self.device,
            module=denoiser,
            takes_numbers=True,
            info=ModelInfo(name="in training", architecture=self.settings.network, weights="EMA" if averaged else ""),
        )

    def state(self) -> tuple[dict[str, Tensor], dict]:
        """Everything needed to go on: tensors by name, and plain data."""
        tensors: dict[str, Tensor] = {}
        averaged = dict(self.average.network.named_parameters())
        for name, p in self.network.named_parameters():
            moments = self.optimizer.state.get(p, {})
            tensors[f"weight.{name}"], tensors[f"average.{name}"] = p, averaged[name]
            for key in ("exp_avg", "exp_avg_sq"):
                tensors[f"{key}.{name}"] = moments.get(key, torch.zeros_like(p))
        meta = {
            "settings": self.settings.to_dict(),
            "step": self.step,
            "pictures": self.pictures,
            "sigma_data": self.preconditioning.sigma_data,
            "sizes": self._sizes(),
        }
        return tensors, meta

    def _check_state(self, tensors: dict[str, Tensor], meta: dict) -> None:
        wrong = [k for k in ("step", "pictures") if type(meta.get(k)) is not int or not 0 <= meta[k] < 1 << 53]
        wrong += [] if isinstance(meta.get("settings"), dict) else ["settings"]
        wrong += [] if isinstance(meta.get("sigma_data"), float) else ["sigma_data"]
        if wrong:
            raise ValueError(_DAMAGED.format(f"it lacks or misstates {', '.join(wrong)}"))
        if meta["settings"].get("network") != self.settings.network:
            return  # said in words of the settings
        for name, p in self.network.named_parameters():
            for part in ("weight", "average", "exp_avg", "exp_avg_sq"):
                tensor = tensors.get(f"{part}.{name}")
                if tensor is None:
                    raise ValueError(_DAMAGED.format(f"it lacks the tensor {part}.{name}"))
                if tensor.shape != p.shape or tensor.dtype != p.dtype:
                    found = f"{tuple(tensor.shape)} {tensor.dtype} instead of {tuple(p.shape)} {p.dtype}"
                    raise ValueError(_DAMAGED.format(f"its tensor {part}.{name} is {found}"))
                if not bool(torch.isfinite(tensor).all()):
                    raise ValueError(_DAMAGED.format(f"its tensor {part}.{name} holds NaN or infinite numbers"))

    def _sizes(self) -> list[str]:
        return [f"{size.width}x{size.height}:{size.share:g}" for size in self.source.sizes]

    def restore(self, tensors: dict[str, Tensor], meta: dict) -> None:
        """Go on from :meth:`state`; ValueError when it is of a run with other settings or sizes (steps may differ).

        A state that lacks something or misstates it is refused before anything is changed.
        """
        self._check_state(tensors, meta)
        ours = {**self.settings.to_dict(), "sizes": self._sizes()}
        theirs = {**meta["settings"], "sizes": meta.get("sizes")}
        changed = [k for k in ours if k != "steps" and ours[k] != theirs.get(k)]
        if changed:
            text = ", ".join(f"{k} {short(theirs.get(k))} -> {short(ours[k])}" for k in changed)
            raise ValueError(f"The interrupted run had other settings ({text}); use the same ones or start a new file.")
        if self.preconditioning.sigma_data != meta["sigma_data"]:
            raise ValueError("The training pictures are not those of the interrupted run: their deviation differs.")
        state: dict[int, dict[str, Tensor]] = {}
        averaged = dict(self.average.network.named_parameters())
        with torch.no_grad():
            for name, p in self.network.named_parameters():
                p.copy_(tensors[f"weight.{name}"])
                averaged[name].copy_(tensors[f"average.{name}"])
                if not p.requires_grad:
                    continue
                moments = {key: tensors[f"{key}.{name}"] for key in ("exp_avg", "exp_avg_sq")}
                state[len(state)] = {"step": torch.tensor(float(meta["step"])), **moments}
        groups = self.optimizer.state_dict()["param_groups"]
        if meta["step"]:
            self.optimizer.load_state_dict({"state": state, "param_groups": groups})
        self.step, self.pictures = meta["step"], meta["pictures"]
