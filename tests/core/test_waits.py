"""Nothing inside a step makes the CPU wait for a GPU, but the copy of the step's noise."""

import pytest
import torch
from watch import watching

from sdedit_core import SOLVERS, VESDE, ScoreModel, sdedit
from sdedit_core.networks.ddpm import ddpm
from sdedit_core.networks.preconditioning import KINDS, VP, Denoiser
from sdedit_core.networks.unet import UNet
from sdedit_core.sampling.brownian import BrownianPath
from sdedit_core.sampling.grids import karras
from sdedit_core.sampling.noise import NoiseStream
from sdedit_core.sampling.solvers.base import MASK_MODES

PROCESSES = [*(kind() for kind in KINDS.values()), VP(prediction="v"), VP(prediction="x0")]
GUIDE = torch.rand(2, 3, 16, 16, generator=torch.Generator().manual_seed(0))
HARD = torch.zeros(1, 1, 16, 16)
HARD[..., 4:12] = 1.0
SOFT = torch.linspace(0.0, 1.0, 16).expand(1, 1, 16, 16).contiguous()
MASKS = {
    "no mask": {},
    "bridge": {"mask": HARD},
    "tilt": {"mask": HARD, "mask_mode": "tilt"},
    "soft": {"mask": SOFT},
    "t0 map": {"mask": HARD, "t0_map": 0.3 + 0.3 * SOFT},
}


class Plain(ScoreModel):
    """Half of x, and a call before each evaluation."""

    def _call(self, x, sigma, y):
        self.before()
        return 0.5 * x


def model_of(process):
    """A score model of a tiny network on the stand-in device."""
    spec = ddpm(ch=32, ch_mult=(1, 2), blocks=1, attention_levels=(1,))
    denoiser = Denoiser(UNet(spec), process, channels=3, gain=1.0, offset=0.0).to("meta")
    options = {"schedule": process.schedule(), "data_range": (-1.0, 1.0), "distilled": process.distilled}
    return ScoreModel(denoiser, device="meta", takes_numbers=True, **options)


def test_the_watch_sees_what_waits():
    x, far = torch.ones(3), torch.ones(3, device="meta")
    for read in (
        lambda: float(x[0]),
        lambda: bool(x.any()),
        lambda: x.tolist(),
        lambda: x[x > 0.0],
        lambda: x.unique(),
        lambda: x.nonzero(),
        lambda: torch.equal(x, x),
        lambda: x.cpu(),
        lambda: 1.0 if x.sum() > 0.0 else 0.0,
        lambda: x[0].item(),
    ):
        with watching("cpu") as watch:
            read()
        assert watch.reads, read
    for copy in (
        lambda: x.to(far),
        lambda: x.to("meta"),
        lambda: torch.tensor([1.0], device="meta"),
        lambda: torch.as_tensor(0.5, device="meta"),
        lambda: far.new_tensor([1.0]),
        lambda: torch.empty_like(far).copy_(x),
    ):
        with watching() as watch:
            copy()
        assert watch.copies, copy
    with watching() as watch:
        torch.full((3,), 0.5, device="meta").mul_(far).add_(far, alpha=0.5)
        far.new_full((2,), 0.5)
        torch.where(far > 0.0, far, 0.0)
    assert not watch.copies and not watch.reads


@pytest.mark.parametrize("mask", MASKS)
@pytest.mark.parametrize("name", SOLVERS)
def test_no_solver_reads_a_value_inside_its_loop(name, mask):
    """From the first evaluation to the last step, with all that a run does around them."""
    if name == "paper" and mask in ("soft", "t0 map"):
        pytest.skip("refused")
    seen = {}

    def tell(step):
        watch.on = step.index < step.total - 1
        seen["steps"] = step.total

    with watching("cpu") as watch:
        watch.on = False
        model = Plain(lambda x, s: x, schedule=VESDE(0.01, 348.0))
        model.before = lambda: setattr(watch, "on", True)
        sdedit(model, GUIDE, t0=0.6, steps=8, solver=name, seed=1, callback=tell, **MASKS[mask])
        watch.on = False
    assert seen["steps"] == 8 and not watch.reads


@pytest.mark.parametrize("process", PROCESSES, ids=lambda p: f"{p.kind} {getattr(p, 'prediction', '')}")
def test_a_network_is_asked_without_a_copy_or_a_read(process):
    model = model_of(process)
    x = torch.empty(2, 3, 16, 16, device="meta")
    several = torch.empty(2, device="meta")
    with torch.no_grad():
        model.denoise(x, several)  # tables go to the device once
        with watching() as watch:
            model.denoise(x, 0.7)
            model.denoise(x, several)
    assert not watch.copies and not watch.reads


def test_class_labels_on_the_cpu_are_checked_there():
    spec = ddpm(ch=32, ch_mult=(1, 2), blocks=1, attention_levels=())
    spec = type(spec).from_dict({**spec.to_dict(), "num_classes": 4})
    net = UNet(spec).to("meta")
    x, label = torch.empty(2, 3, 16, 16, device="meta"), torch.empty(2, device="meta")
    with watching() as watch, torch.no_grad():
        net(x, label, torch.tensor([0, 3]))
    assert not watch.reads and len(watch.copies) == 1
    with pytest.raises(ValueError, match="Class labels"):
        net(x, label, torch.tensor([0, 4]))


@pytest.mark.parametrize("mode", [None, *MASK_MODES])
@pytest.mark.parametrize("name", SOLVERS)
def test_the_noise_is_the_only_copy(name, mode):
    """One copy for each normal that the solver asks for, and none beside it."""
    solver, model = SOLVERS[name], model_of(VP())
    x = torch.empty(2, 3, 16, 16, device="meta")
    path = BrownianPath(NoiseStream((3, 16, 16), seed=1, stream="path", batch=2, device="meta"), sigma_min=0.01,
                        sigma_max=100.0)  # fmt: skip
    denoise, options = model.denoise, {}
    if solver.masks_itself and mode:
        options = {"guide": x.clone(), "change": torch.empty(1, 1, 16, 16, dtype=torch.bool, device="meta")}
    elif mode:
        denoise = MASK_MODES[mode](denoise, x.clone(), torch.empty(1, 1, 16, 16, dtype=torch.bool, device="meta"))
    asked = []

    class Counted:
        def __call__(self, *levels):
            asked.append(levels)
            return path(*levels)

        def corrector(self, sigma):
            asked.append(sigma)
            return path.corrector(sigma)

    with watching() as watch, torch.no_grad():
        out = solver.solve(denoise, x, karras(10.0, 0.02, 5), noise=Counted(), **options)
    assert out.device.type == "meta" and not watch.reads
    assert watch.copies == ["to"] * len(asked)
