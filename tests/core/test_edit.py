"""perturb() and sdedit(): the promises a user can check bit for bit."""

import inspect

import pytest
import torch

from sdedit_core import SOLVERS, NoisedState, ScoreModel, perturb, reverse, sdedit
from sdedit_core.edit import run_levels
from sdedit_core.priors.exact import GaussianPrior
from sdedit_core.sampling.noise import NoiseStream
from sdedit_core.sampling.options import OPTIONS, check_options

MODEL = GaussianPrior(mean=0.5, std=0.25).score_model()
# All but the paper's printed rule, which leaves grain in kept pixels and knows no soft mask.
KEEPING = [name for name, solver in SOLVERS.items() if not solver.masks_itself]


def guide(b=2, h=12, w=10):
    return torch.rand(b, 3, h, w, generator=torch.Generator().manual_seed(b))


def half_mask(h=12, w=10):
    mask = torch.zeros(1, 1, h, w)
    mask[..., : w // 2] = 1.0
    return mask


def ramp(h=12, w=10, b=1):
    return torch.linspace(0.0, 1.0, w).expand(b, 1, h, w).contiguous()


def run(g=None, **options):
    options = {"t0": 0.4, "steps": 6, "seed": 7} | options
    return sdedit(MODEL, guide() if g is None else g, **options)


@pytest.mark.parametrize("solver", SOLVERS)
def test_t0_zero_returns_the_guide_bit_for_bit(solver):
    g = guide()
    out = run(g, t0=0.0, solver=solver, repeats=3)
    assert torch.equal(out.samples, g) and out.nfe == 0 and out.sigma == 0.0
    assert out.samples is not g


@pytest.mark.parametrize("solver", KEEPING)
@pytest.mark.parametrize("repeats", [1, 2])
def test_kept_region_is_bit_equal_and_the_rest_changes(solver, repeats):
    g, mask = guide(), half_mask()
    out = run(g, mask=mask, solver=solver, repeats=repeats).samples
    keep = (mask == 0).expand_as(g)
    assert torch.equal(out[keep], g[keep])
    tilt = run(g, mask=mask, solver=solver, repeats=repeats, mask_mode="tilt").samples
    assert torch.equal(tilt[keep], g[keep])
    assert (out[~keep] - g[~keep]).abs().min() > 0


@pytest.mark.parametrize("solver", SOLVERS)
def test_all_one_mask_is_no_mask(solver):
    a, b = run(solver=solver), run(solver=solver, mask=torch.ones(1, 1, 12, 10))
    assert torch.equal(a.samples, b.samples)


@pytest.mark.parametrize("solver", SOLVERS)
def test_all_zero_mask_returns_the_guide(solver):
    g = guide()
    out = run(g, solver=solver, mask=torch.zeros(2, 1, 12, 10))
    assert torch.equal(out.samples, g) and out.nfe == 0
    assert any("empty" in n for n in out.report.notes)


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("mask", [None, half_mask()])
def test_item_alone_equals_item_in_batch(solver, mask):
    g = guide(3)
    both = run(g, solver=solver, mask=mask, repeats=2).samples
    for i in range(3):
        state = perturb(MODEL, g[i : i + 1], 0.4, seed=7, mask=mask, sample_indices=[i])
        alone = reverse(MODEL, state, steps=6, solver=solver, repeats=2)
        assert torch.equal(alone.samples, both[i : i + 1])


@pytest.mark.parametrize("solver", SOLVERS)
def test_same_seed_same_bits_and_inputs_untouched(solver):
    g, mask = guide(), half_mask()
    copies = g.clone(), mask.clone()
    a, b, c = (
        run(g, mask=mask, solver=solver),
        run(g, mask=mask, solver=solver),
        run(g, mask=mask, solver=solver, seed=8),
    )
    assert torch.equal(a.samples, b.samples) and not torch.equal(a.samples, c.samples)
    assert torch.equal(g, copies[0]) and torch.equal(mask, copies[1])


def test_perturb_is_guide_plus_sigma_z():
    g = guide(1, 64, 64)
    state = perturb(MODEL, g, 0.5, seed=3, mask=torch.ones(1, 1, 64, 64))
    z = NoiseStream((3, 64, 64), seed=3, stream="initial")()
    assert torch.equal(state.samples, g.add(z, alpha=state.sigma)), "the first numbers of its stream, of the first pass"
    assert state.sample_indices == [0] and state.note == "" and state.t0_map is None and state.under_way is False
    assert NoisedState(g, g, 1.0, 0.5, 3).note == ""
    z = (state.samples - g) / state.sigma
    assert state.sigma == MODEL.schedule.sigma(0.5)
    assert abs(float(z.mean())) < 0.05 and abs(float(z.std()) - 1) < 0.05
    assert float(state.samples.abs().max()) > 2.0  # never clamped
    assert torch.equal(perturb(MODEL, g, 0.0, seed=3).samples, g)
    assert torch.equal(perturb(MODEL, g, 0.5, seed=3).samples, state.samples)


def test_soft_mask_is_a_map_of_start_times():
    g, mask = guide(), ramp()
    soft = run(g, mask=mask)
    assert torch.equal(soft.samples, run(g, t0_map=0.4 * mask).samples)
    # 0.375 is the same number in float32, so the map's largest value is exactly t0.
    top = run(g, mask=mask, t0=0.375).samples
    assert torch.equal(top, run(g, t0=None, t0_map=0.375 * mask).samples)
    assert torch.equal(soft.samples[..., 0], g[..., 0])
    assert soft.report.solver == "auto, t0 per pixel"
    # The change grows with the pixel's own t0.
    change = (soft.samples - g).square().mean((0, 1, 2)).sqrt()
    assert float(change[1:3].mean()) < 0.3 * float(change[-3:].mean())


def test_map_times_mask():
    g, half = guide(), half_mask()
    out = run(g, mask=half, t0_map=torch.full((1, 1, 12, 10), 0.2)).samples
    keep = (half == 0).expand_as(g)
    assert torch.equal(out[keep], g[keep]) and (out[~keep] - g[~keep]).abs().min() > 0


def test_constant_map_is_plain_t0_and_a_hard_map_is_a_hard_mask():
    assert torch.equal(run().samples, run(t0_map=torch.full((1, 1, 12, 10), 0.4)).samples)
    assert torch.equal(run(mask=half_mask()).samples, run(t0_map=0.4 * half_mask()).samples)
    assert torch.equal(run(t0_map=torch.zeros(1, 1, 12, 10)).samples, guide())


@pytest.mark.parametrize("repeats", [1, 2])
def test_soft_item_alone_equals_item_in_batch(repeats):
    g = guide(3)
    masks = torch.cat([ramp(), 0.5 * ramp(), half_mask()])
    both = run(g, mask=masks, repeats=repeats).samples
    for i in (0, 1):
        state = perturb(MODEL, g[i : i + 1], 0.4, seed=7, mask=masks[i : i + 1], sample_indices=[i])
        alone = reverse(MODEL, state, steps=6, repeats=repeats)
        assert torch.equal(alone.samples, both[i : i + 1])
    assert torch.equal(both[0, ..., 0], g[0, ..., 0])
    assert torch.equal(both[2, ..., 5:], g[2, ..., 5:])


def test_soft_mask_says_what_it_replaces():
    notes = run(mask=ramp(), solver="seeds3", mask_mode="tilt").report.notes
    assert any("seeds3" in n for n in notes) and any("tilt" in n for n in notes)
    assert run(mask=ramp(), solver="ancestral").report.solver == "ancestral, t0 per pixel"


def test_the_solver_paper_follows_the_paper():
    """Alg. 3: grain of the last level stays in both regions, and the kept region is guide + grain."""
    g = torch.full((1, 3, 64, 64), 0.5)
    mask = half_mask(64, 64)
    out = run(g, mask=mask, solver="paper", steps=50, t0=0.5)
    kept = (out.samples - g)[..., 32:]
    last = MODEL.schedule.sigma(0.5 / 50)
    assert float(kept.std()) == pytest.approx(last, rel=0.05)
    assert out.report.solver == "paper" and out.nfe == 50


def test_eta():
    plain = run(solver="sde_2m")
    assert run(eta=0.5).report.solver == "sde_2m"
    assert torch.equal(run(eta=0.0).samples, run(solver="pf_ode").samples)
    assert torch.equal(run(solver="sde_2m", eta=1.0).samples, plain.samples)
    assert not torch.equal(run(solver="sde_2m", eta=0.5).samples, plain.samples)


def test_solver_options_reach_the_solver():
    assert not torch.equal(run(solver_options={"slope": 0.3}).samples, run().samples)
    assert torch.equal(run(solver_options={"slope": None}).samples, run().samples)
    for mask in (half_mask(), ramp()):
        assert not torch.equal(run(solver_options={"slope": 0.3}, mask=mask).samples, run(mask=mask).samples)


def test_a_denoiser_with_switches_gets_the_gentle_finish():
    """``smooth`` of the model decides how mca ends, the caller has the last word, the report names it."""
    model = GaussianPrior(mean=0.5, std=0.25).score_model()
    model.smooth = False
    gentle = {"solver_options": {"finish": "balanced"}}
    for mask in (None, half_mask(), ramp()):
        common = {"t0": 0.4, "steps": 6, "seed": 7, "mask": mask}
        plain, other = run(**common), sdedit(model, guide(), **common)
        assert not torch.equal(plain.samples, other.samples)
        assert torch.equal(other.samples, run(**common, **gentle).samples)
        asked = sdedit(model, guide(), **common, solver_options={"finish": "posterior"})
        assert torch.equal(asked.samples, plain.samples)
        assert (plain.report.finish, other.report.finish) == ("posterior", "balanced")
        assert "finish balanced" in str(other.report)
    for solver in ("sde_2m", "seeds3", "ancestral"):
        assert torch.equal(
            run(solver=solver).samples, sdedit(model, guide(), t0=0.4, steps=6, seed=7, solver=solver).samples
        )
        assert "finish" not in str(run(solver=solver).report)
    # Levels that end high leave much open: one Gaussian draw would not do.
    high = [MODEL.schedule.sigma(0.4), 0.2, 0.05, 0.0]
    assert run(sigmas=high).report.finish == "balanced"


def test_grid_by_name():
    levels = []
    run(grid="log", callback=lambda s: levels.append(s.sigma))
    assert levels[1] / levels[0] == pytest.approx(levels[2] / levels[1])


def test_repeats_use_fresh_noise_and_count_evaluations():
    one, two = run(repeats=1), run(repeats=2)
    assert (one.nfe, two.nfe) == (6, 12)
    assert not torch.equal(one.samples, two.samples)
    assert two.report.repeats == 2


@pytest.mark.parametrize("solver", SOLVERS)
def test_callback_comes_once_a_step_and_may_stop_the_run(solver):
    steps = []
    out = run(solver=solver, callback=lambda s: steps.append((s.index, s.total, s.sigma, s.sigma_next)))
    assert [s[0] for s in steps] == list(range(len(steps)))
    assert {s[1] for s in steps} == {len(steps)} and len(steps) == out.report.steps
    assert steps[-1][3] == 0.0

    def stop(step):
        if step.index == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(solver=solver, callback=stop)


def test_own_sigmas():
    g = guide()
    state = perturb(MODEL, g, 0.4, seed=7)
    out = reverse(MODEL, state, steps=6, sigmas=[state.sigma, 0.1, 0.01, 0.0])
    assert out.nfe == 3 and out.report.steps == 3
    wrong = ([], [0.5], [0.5, 0.1, 0.0], [2.0 * state.sigma, 0.1, 0.0], [state.sigma, -0.1], [float("inf"), 1.0, 0.0])
    for levels in wrong:
        with pytest.raises(ValueError, match=r"levels|sigmas start"):
            reverse(MODEL, state, steps=6, sigmas=levels)


@pytest.mark.parametrize("solver", KEEPING)
@pytest.mark.parametrize("mask", [None, half_mask(), ramp()])
def test_a_network_that_returns_nan_is_an_error(solver, mask):
    def broken(x, sigma):
        d = MODEL.denoise(x, sigma)
        d[1, 0, 3, 3] = float("nan")
        return d

    model = ScoreModel.from_denoiser(broken, schedule=MODEL.schedule)
    state = perturb(model, guide(3), 0.4, seed=7, mask=mask)
    with pytest.raises(ValueError, match="NaN or infinite values, picture 1 is lost"):
        reverse(model, state, steps=3, solver=solver)


@pytest.mark.parametrize("solver", KEEPING)
@pytest.mark.parametrize(("h", "w"), [(1, 1), (3, 5), (1, 7)])
def test_one_pixel_masks_on_odd_sizes(solver, h, w):
    """The fewest steps, the smallest region, repeats: kept pixels stay, the pixel changes, batches split."""
    g = guide(2, h, w)
    mask = torch.zeros(2, 1, h, w)
    mask[..., h // 2, w // 2] = 1.0
    keep = (mask == 0.0).expand_as(g)
    for steps, mode, share in ((1, "bridge", 1.0), (2, "tilt", 1.0), (3, "bridge", 0.4)):
        options = {"steps": steps, "solver": solver, "repeats": 2, "mask_mode": mode}
        out = run(g, mask=mask * share, **options).samples
        assert torch.equal(out[keep], g[keep]) and bool((out != g)[~keep].all())
        state = perturb(MODEL, g[1:], 0.4, seed=7, mask=mask[1:] * share, sample_indices=[1])
        alone = reverse(MODEL, state, **options)
        assert torch.equal(alone.samples[0], out[1])


def test_empty_and_full_maps():
    g, zero, one = guide(), torch.zeros(1, 1, 12, 10), torch.ones(1, 1, 12, 10)
    for options in (
        {"t0": None, "t0_map": zero},
        {"t0_map": zero},
        {"t0_map": zero, "mask": one},
        {"t0": 0.0, "mask": one},
    ):
        out = run(g, **options)
        assert torch.equal(out.samples, g) and out.nfe == 0
    assert torch.equal(run(g, t0=None, t0_map=one).samples, run(g, t0=1.0).samples)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"t0": 1.5}, "t0"),
        ({"t0": float("nan")}, "t0"),
        ({"steps": 0}, "steps"),
        ({"repeats": 0}, "repeats"),
        ({"seed": 0.5}, "seed"),
        ({"solver": "euler"}, "Unknown solver"),
        ({"mask": torch.ones(1, 1, 9, 9)}, "same size"),
        ({"mask": torch.ones(3, 1, 12, 10)}, "shape"),
        ({"mask": torch.full((1, 1, 12, 10), 2.0)}, "between 0"),
        ({"mask": torch.full((1, 1, 12, 10), float("nan"))}, "between 0"),
        ({"mask": "mask.png"}, "tensor"),
        ({"t0_map": torch.full((1, 1, 12, 10), 0.5)}, "top of t0_map"),
        ({"t0_map": torch.full((1, 1, 12, 10), -0.5)}, "t0_map"),
        ({"t0_map": torch.zeros(1, 1, 9, 9)}, "t0_map"),
        ({"t0": None}, "needs t0"),
        ({"mask_mode": "blend"}, "mask_mode"),
        ({"eta": 0.5, "solver": "seeds3"}, "eta"),
        ({"eta": 1.5}, "eta"),
        ({"eta": 0.5, "mask": ramp()}, "soft mask"),
        ({"solver": "paper", "mask": ramp()}, "soft mask"),
        ({"solver_options": {"rho": 3}}, "slope"),
        ({"grid": "cosine"}, "Unknown grid"),
    ],
)
def test_bad_input(options, match):
    with pytest.raises(ValueError, match=match):
        run(**options)


@pytest.mark.parametrize(
    ("g", "match"),
    [
        (torch.zeros(1, 4, 8, 8), "channels"),
        (torch.zeros(3, 8, 8), "shape"),
        (torch.full((1, 3, 8, 8), float("nan")), "NaN"),
        ([[0.0]], "tensor"),
    ],
)
def test_bad_guide(g, match):
    with pytest.raises(ValueError, match=match):
        run(g)


@pytest.mark.parametrize("solver", KEEPING)
@pytest.mark.parametrize("mask", [None, "half", "ramp"])
def test_a_run_may_stop_above_zero_and_go_on(solver, mask):
    """The state left at 0.1 has the right spread everywhere, and the second half ends with the guide kept."""
    g = guide(1, 48, 48)
    given = {"half": half_mask(48, 48), "ramp": ramp(48, 48)}.get(mask)
    state = perturb(MODEL, g, 0.5, seed=7, mask=given)
    options = {"steps": 8, "solver": solver, "seed": 3}
    left = reverse(MODEL, state, **options, sigmas=[state.sigma, 0.9, 0.4, 0.2, 0.1])
    assert left.report.steps == 4 and "Stopped at sigma 0.1" in str(left.report)
    kept = None if given is None else (given == 0.0).expand_as(g)
    if kept is not None:
        loud = mask == "half" and solver in ("reverse_diffusion", "predictor_corrector")  # noise of the level before
        assert float((left.samples - g)[kept].std()) == pytest.approx(0.2 if loud else 0.1, rel=0.1)
    state = NoisedState(left.samples, g, 0.1, MODEL.schedule.t(0.1), 7, mask=given, sample_indices=[0], under_way=True)
    out = reverse(MODEL, state, **options, sigmas=[0.1, 0.05, 0.02, 0.0])
    assert bool(torch.isfinite(out.samples).all()) and float((out.samples - g).abs().max()) > 0.05
    if kept is not None:
        assert torch.equal(out.samples[kept], g[kept])


def test_a_stopped_run_cannot_be_repeated():
    state = perturb(MODEL, guide(), 0.4, seed=7)
    with pytest.raises(ValueError, match="repeats is 2"):
        reverse(MODEL, state, steps=6, sigmas=[state.sigma, 0.1], repeats=2)


@pytest.mark.parametrize("solver", ["sde_2m", "sa_solver", "pf_ode"])
def test_a_soft_mask_ends_alike_whatever_solver_it_stands_in_for(solver):
    """The stand-in's finish is that of the model: gentle for hard switches, and the report names it."""
    model = GaussianPrior(mean=0.5, std=0.25).score_model()
    model.smooth = False
    common = {"t0": 0.4, "steps": 6, "seed": 7, "mask": ramp(), "grid": "auto"}
    plain, other = sdedit(model, guide(), **common), sdedit(model, guide(), **common, solver=solver)
    assert torch.equal(plain.samples, other.samples)
    assert plain.report.finish == other.report.finish == "balanced"
    assert run(mask=ramp(), solver=solver).report.finish == "posterior"


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("mask", [None, half_mask(), ramp()])
def test_perturb_and_reverse_are_sdedit(solver, mask):
    if mask is not None and not bool(((mask == 0) | (mask == 1)).all()) and SOLVERS[solver].masks_itself:
        pytest.skip("no soft masks")
    model = GaussianPrior(mean=0.5, std=0.25).score_model()
    model.smooth = False
    g = guide()
    whole = sdedit(model, g, t0=0.45, steps=7, seed=3, mask=mask, solver=solver)
    half = reverse(model, perturb(model, g, 0.45, seed=3, mask=mask), steps=7, solver=solver)
    assert torch.equal(whole.samples, half.samples) and str(whole.report.finish) == str(half.report.finish)


def test_defaults_are_those_of_the_record():
    """One place decides: the signatures, and what ``check_options`` fills in, have the record's defaults."""
    for function in (sdedit, reverse):
        parameters = inspect.signature(function).parameters
        for name, option in OPTIONS.items():
            given = parameters[name].default
            assert given == option.default or (name == "seed" and function is reverse), (function, name)
    assert check_options({}) == {name: option.default for name, option in OPTIONS.items()}
    assert check_options({"solver": "mca"})["solver"] == "auto"  # its older name
    for name, option in OPTIONS.items():
        assert option.words.endswith(".") and (option.choices or option.low < option.high), name
        for bad in (None, "many", float("nan")):
            with pytest.raises(ValueError):
                option.check(bad)


def test_a_typo_is_a_clear_error():
    with pytest.raises(TypeError, match="stepz"):
        run(stepz=3)
    with pytest.raises(ValueError, match="did you mean 'mask_mode'"):
        check_options({"mask_mod": "tilt"})
    with pytest.raises(ValueError, match="it takes steps, solver"):
        check_options({"temperature": 1.0})


def test_eta_below_one_changes_solver_and_levels_together():
    """auto is sde_2m then, on sde_2m's own grid, wherever the levels are asked for."""
    state = perturb(MODEL, guide(), 0.4, seed=7)
    levels = run_levels(MODEL.schedule, state.sigma, steps=6, eta=0.5, data_std=MODEL.data_std)
    plain = run(eta=0.5)
    assert levels == plain.levels == run(eta=0.5, solver="sde_2m").levels != run().levels
    assert torch.equal(plain.samples, reverse(MODEL, state, steps=6, eta=0.5, sigmas=levels).samples)


def test_observe_sees_every_evaluation():
    seen = []
    out = run(solver="seeds3", observe=lambda x, sigma, d: seen.append((tuple(x.shape), sigma, d)))
    assert len(seen) == out.nfe and {shape for shape, _, _ in seen} == {(2, 3, 12, 10)}
    x0 = perturb(MODEL, guide(), 0.4, seed=7)
    assert torch.equal(seen[0][2], MODEL.denoise(x0.samples, x0.sigma)) and seen[0][1] == out.sigma


@pytest.mark.parametrize("solver", ["auto", "seeds3", "predictor_corrector"])
@pytest.mark.parametrize("mask", [None, "half", "ramp"])
def test_a_video_is_its_frames_below_one_another(solver, mask):
    """Five dimensions are carried through: same numbers as one tall picture, masks for every frame."""
    flat = GaussianPrior(mean=0.5, std=0.25).score_model()
    video = ScoreModel.from_denoiser(
        lambda x, s: flat.denoise(x.flatten(2, 3), s).unflatten(2, x.shape[2:4]),
        schedule=flat.schedule,
        data_range=flat.data_range,
        dims=5,
    )
    g = guide(2, 12, 10)
    mask = {"half": half_mask(12, 10), "ramp": ramp(12, 10)}.get(mask)
    tall = sdedit(flat, g, t0=0.4, steps=5, solver=solver, mask=mask, repeats=2).samples
    masks = None if mask is None else mask.unflatten(2, (3, 4))
    film = sdedit(video, g.unflatten(2, (3, 4)), t0=0.4, steps=5, solver=solver, mask=masks, repeats=2).samples
    assert film.shape == (2, 3, 3, 4, 10) and torch.equal(film.flatten(2, 3), tall)
    with pytest.raises(ValueError, match="frames, height, width"):
        sdedit(video, g, t0=0.4)


def test_bad_options_are_refused_when_there_is_nothing_to_do_as_well():
    for options in ({"solver_options": {"rho": 3}}, {"solver": "seeds3", "eta": 0.5}, {"steps": 0}):
        with pytest.raises(ValueError):
            run(t0=0.0, **options)


@pytest.mark.parametrize("rounding", [1.0 - 6e-8, 1.0, 1.0 + 6e-8])
def test_soft_masks_take_levels_that_a_host_has_rounded(rounding):
    """The first level as float32 may lie below the pixels' own: no square root of a negative number."""
    state = perturb(MODEL, guide(), 0.4, seed=7, mask=ramp())
    out = reverse(MODEL, state, sigmas=[state.sigma * rounding, 0.2, 0.05, 0.0])
    same = reverse(MODEL, state, sigmas=[state.sigma, 0.2, 0.05, 0.0])
    assert torch.allclose(out.samples, same.samples, atol=1e-3)


def test_of_several_things_in_a_row_the_first_is_edited_as_alone():
    """A model that looks at every number by itself, so that only the random numbers could tell them apart."""
    parts = [(4, 3, 5), (2, 9)]
    guide = torch.rand(2, 1, 78, generator=torch.Generator().manual_seed(0))

    def model(shapes):
        found = ScoreModel.from_denoiser(
            lambda x, s: (x + s.reshape(-1, 1, 1) ** 2 * 0.5) / (1.0 + s.reshape(-1, 1, 1) ** 2), channels=1, dims=3
        )
        found.parts = shapes
        return found

    soft = torch.linspace(0.1, 1.0, 78).reshape(1, 1, 78)
    for more, mask in (({}, None), ({"repeats": 2}, None), ({"solver": "seeds3"}, None), ({}, soft)):
        options = {"t0": 0.5, "steps": 4, "seed": 3, **more}
        both = sdedit(model(parts), guide, mask=mask, **options).samples
        first = sdedit(model([]), guide[..., :60], mask=None if mask is None else mask[..., :60], **options).samples
        plain = sdedit(model([]), guide, mask=mask, **options).samples
        assert torch.equal(both[..., :60], first), more
        assert both.shape == guide.shape and not torch.equal(plain[..., 60:], both[..., 60:])
