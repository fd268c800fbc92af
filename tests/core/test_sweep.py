"""t0 Sweep: common random numbers, no extra work, cancelling, the table."""

import math

import pytest
import torch

from sdedit_core import sdedit, sweep
from sdedit_core.measure.realism import SlicedWasserstein
from sdedit_core.measure.sweep import SweepPlan, parse_t0_values
from sdedit_core.measure.table import Row, SweetSpot, sweep_rows, sweet_spot, table, to_csv

GUIDE = torch.rand(2, 3, 16, 16, generator=torch.Generator().manual_seed(0))
EIGHT = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8]


class Cancelled(Exception):
    """As a host's interrupt."""


def test_every_cell_is_the_single_run_bit_for_bit(counted_model):
    model, _ = counted_model()
    mask = torch.zeros(1, 1, 16, 16)
    mask[..., 4:12] = 1.0
    plan = SweepPlan(model, GUIDE, steps=6, seed=5, mask=mask, repeats=2)
    for cell in plan.run([0.0, 0.3, 0.6]).cells:
        alone = sdedit(model, GUIDE, t0=cell.t0, steps=6, seed=5, mask=mask, repeats=2)
        assert torch.equal(cell.samples, alone.samples) and cell.sigma == alone.sigma and cell.nfe == alone.nfe
        assert torch.equal(cell.samples[..., :4], GUIDE[..., :4])


def test_options_of_an_edit_pass_through(counted_model):
    model, _ = counted_model()
    plan = SweepPlan(model, GUIDE, steps=6, eta=0.0, grid="log", predict=True)
    cell = plan.cell(0.4)
    assert torch.equal(cell.samples, sdedit(model, GUIDE, t0=0.4, steps=6, eta=0.0, grid="log").samples)
    assert cell.predicted is None and cell.bounds is None and any("reverse SDE" in note for note in cell.notes)
    with pytest.raises(ValueError, match="sigmas"):
        SweepPlan(model, GUIDE, sigmas=[1.0, 0.0])


@pytest.mark.parametrize(
    "options, word",
    [
        ({"repeats": 2}, "one pass"),
        ({"mask": torch.full((1, 1, 16, 16), 0.5)}, "soft mask"),
        ({"mask": torch.eye(16)[None, None], "mask_mode": "tilt"}, "bridge"),
        ({"solver": "pf_ode"}, "reverse SDE"),
    ],
)
def test_where_prediction_and_bounds_do_not_apply_the_cell_says_why(options, word, counted_model):
    cell = SweepPlan(counted_model()[0], GUIDE, steps=4, predict=True, **options).cell(0.4)
    assert cell.predicted is None and cell.bounds is None and any(word in note for note in cell.notes)


def test_a_sweep_of_eight_evaluates_no_more_than_eight_single_runs(counted_model):
    model, calls = counted_model()
    SweepPlan(model, GUIDE, steps=7).run(EIGHT)
    together = len(calls)
    calls.clear()
    for t0 in EIGHT:
        sdedit(model, GUIDE, t0=t0, steps=7)
    assert together == len(calls) == 56


def test_prediction_costs_one_evaluation_per_cell(counted_model):
    model, calls = counted_model()
    result = SweepPlan(model, GUIDE, steps=7, predict=True).run(EIGHT)
    assert len(calls) == 64 == sum(cell.nfe for cell in result.cells)


def test_common_random_numbers_make_neighbours_alike(counted_model):
    """With one noise for all t0 the pictures move smoothly; with another seed they jump."""
    model, _ = counted_model()
    same = SweepPlan(model, GUIDE, steps=20, seed=1).run([0.40, 0.41]).cells
    other = SweepPlan(model, GUIDE, steps=20, seed=2).cell(0.41)
    step = float((same[0].samples - same[1].samples).square().mean().sqrt())
    jump = float((same[0].samples - other.samples).square().mean().sqrt())
    assert step < 0.35 * jump


MASKED = {"mask": torch.zeros(1, 1, 16, 16)}


@pytest.mark.parametrize("options", [{}, {"repeats": 2}, {"solver": "reverse_diffusion"}, {"solver": "seeds3"}, MASKED])
def test_the_callback_is_called_as_often_as_planned(options, counted_model):
    steps, cells = [], []
    plan = SweepPlan(counted_model()[0], GUIDE, steps=5, **options)
    values = [0.0, 0.2, 0.7]
    plan.run(values, callback=steps.append, on_cell=lambda cell, i, n: cells.append((cell.t0, i, n)))
    assert len(steps) == plan.callbacks(values)
    assert cells == [(0.0, 0, 3), (0.2, 1, 3), (0.7, 2, 3)]


@pytest.mark.parametrize("where", ["step", "cell"])
def test_cancelling_leaves_the_finished_cells(where, counted_model):
    model, _ = counted_model()
    done = []

    def callback(step):
        if where == "step" and len(done) == 2 and step.index == 3:
            raise Cancelled

    def on_cell(cell, index, total):
        done.append(cell)
        if where == "cell" and len(done) == 2:
            raise Cancelled

    plan = SweepPlan(model, GUIDE, steps=6)
    result = plan.run(EIGHT, callback=callback, on_cell=on_cell, stop=(Cancelled,))
    assert [cell.t0 for cell in result.cells] == [0.1, 0.2] and not result.complete
    assert isinstance(result.stopped, Cancelled)
    assert torch.equal(result.cells[1].samples, sdedit(model, GUIDE, t0=0.2, steps=6).samples)


def test_cancelling_before_the_first_cell_and_other_exceptions_go_through(counted_model):
    model, _ = counted_model()

    def stop(step):
        raise Cancelled

    def fail(step):
        raise RuntimeError("out of memory")

    plan = SweepPlan(model, GUIDE, steps=6)
    with pytest.raises(Cancelled):
        plan.run(EIGHT, callback=stop, stop=(Cancelled,))
    with pytest.raises(Cancelled):
        plan.run(EIGHT, callback=stop)
    with pytest.raises(RuntimeError):
        plan.run(EIGHT, callback=fail, stop=(Cancelled,))


def test_values_are_read_from_lists_and_ranges():
    assert parse_t0_values("0.3, 0.1,0.3") == [0.1, 0.3]
    assert parse_t0_values("0.2:0.7:6") == [0.2, 0.3, 0.4, 0.5, 0.6, 0.7]
    assert parse_t0_values("0, 0.4:0.5:2; 1") == [0.0, 0.4, 0.5, 1.0]
    assert parse_t0_values([0.5, 0.25]) == [0.25, 0.5]


@pytest.mark.parametrize("text", ["", "a", "0.1:0.2", "1.5", "0.1:0.2:1", "0.1:0.2:x", "nan", []])
def test_bad_values_are_refused(text):
    with pytest.raises(ValueError, match="t0 values"):
        parse_t0_values(text)


@pytest.mark.parametrize("bad", [{"steps": 0}, {"solver": "magic"}, {"seed": 1.5}, {"repeats": 0}])
def test_a_bad_plan_is_refused_before_the_work(bad, counted_model):
    with pytest.raises(ValueError):
        SweepPlan(counted_model()[0], GUIDE, **bad)


def test_the_table_measures_pictures_and_brings_predictions_to_pixels(counted_model):
    model, _ = counted_model()
    plan = SweepPlan(model, GUIDE, steps=8, predict=True)
    result = plan.run([0.0, 0.3, 0.6])
    pictures = [cell.samples.clamp(0, 1) for cell in result.cells]
    realism = SlicedWasserstein(GUIDE, patches_per_level=512, directions=16)
    found = sweep_rows(result, GUIDE, pictures, realism=realism, pixel=1.0)
    assert found[0].l2 == 0.0 and found[0].psnr == math.inf and found[0].predicted_l2 == 0.0
    for row, picture in zip(found, pictures, strict=True):
        norms = (picture - GUIDE).double().square().flatten(1).sum(1)
        assert row.l2 == pytest.approx(float(norms.sqrt().mean())) and row.l2_squared == pytest.approx(
            float(norms.mean())
        )
    assert found[1].predicted_l2 == pytest.approx(found[1].l2, rel=0.1)
    assert found[1].l2 < found[1].strict_l2 and not found[0].vacuous and found[2].vacuous
    assert [line.count("vacuous") for line in table(found).splitlines()] == [0, 0, 0, 1]
    assert found[2].realism > found[0].realism  # the guide is its own reference
    double = sweep_rows(result, GUIDE, pictures, pixel=2.0)
    assert double[1].predicted_l2 == pytest.approx(found[1].predicted_l2 / 2)
    latents = sweep_rows(result, GUIDE, pictures)
    assert latents[1].predicted_l2 is None and latents[1].realism is None
    with pytest.raises(ValueError, match="3 finished cells"):
        sweep_rows(result, GUIDE, pictures[:2])


def made_rows(realism, l2=(0.0, 1.0, 2.0, 3.0, 4.0)):
    return [
        Row(t0=i / 10, sigma=1.0, l2=f, l2_squared=f * f, rmse=f, psnr=10.0, ssim=0.5, realism=r)
        for i, (f, r) in enumerate(zip(l2, realism, strict=True))
    ]


def test_the_sweet_spot_is_where_most_of_the_realism_is_reached():
    falling = made_rows([1.0, 0.8, 0.5, 0.2, 0.0])
    assert sweet_spot(falling) == SweetSpot(best=0.3, low=0.2, high=0.4, edge=False)
    assert sweet_spot(falling, ceiling=2.0) == SweetSpot(best=0.2, low=0.0, high=0.3, edge=False)
    late = sweet_spot(made_rows([1.0, 1.0, 1.0, 0.9, 0.0]))
    assert late.edge and late.best == 0.4 and "sweep further" in str(late)
    hump = sweet_spot(made_rows([0.9, 0.95, 0.3, 0.2, 0.35]), ceiling=1.0)
    assert (hump.low, hump.best, hump.high) == (0.2, 0.2, 0.3) and "0.2" in str(hump)
    assert sweet_spot(made_rows([None] * 5)) is None and sweet_spot(made_rows([5, 4, 3, 2, 1])[:2]) is None
    assert sweet_spot(made_rows([1.0] * 5)) is None and sweet_spot(falling, ceiling=-1.0) is None


def test_table_and_csv():
    found = made_rows([1.0, 0.5, 0.4, 0.3, 0.2])
    text = table(found)
    assert "L2" in text and "realism" in text and "evals" not in text and len(text.splitlines()) == 6
    lines = to_csv(found).splitlines()
    assert lines[0].startswith("t0,sigma,noise_share,l2,") and lines[2].split(",")[3] == "1.0"
    assert lines[1].endswith(",,")


def test_the_short_way_is_the_plan_and_an_unknown_option_is_named(counted_model):
    model, _ = counted_model()
    short = sweep(model, GUIDE, "0.2, 0.4", steps=5, seed=3, eta=0.5)
    plan = SweepPlan(model, GUIDE, steps=5, seed=3, eta=0.5).run([0.2, 0.4])
    assert [cell.t0 for cell in short.cells] == [0.2, 0.4] and short.complete
    assert all(torch.equal(a.samples, b.samples) for a, b in zip(short.cells, plan.cells, strict=True))
    with pytest.raises(ValueError, match="did you mean 'steps'"):
        sweep(model, GUIDE, "0.2", step=5)


def test_callbacks_count_the_levels_that_are_run_below_eta_one(counted_model):
    """Solver and grid are chosen in one place: the plan's count is the run's, whatever eta makes of them."""
    model, _ = counted_model()
    for options in ({"eta": 0.3}, {"eta": 0.0, "solver": "ancestral"}, {"grid": "log"}, {"solver": "paper"}):
        plan, steps = SweepPlan(model, GUIDE, steps=6, **options), []
        plan.run([0.01, 0.3], callback=steps.append)
        assert len(steps) == plan.callbacks([0.01, 0.3])


@pytest.mark.parametrize("text", ["9" * 5000, "0.2:0.7:" + "9" * 5000, "0.2:0.7:" + "x" * 5000, "1" * 5000 + ":1:2"])
def test_thousands_of_digits_are_no_t0_values(text):
    with pytest.raises(ValueError, match=r"start:stop:count") as problem:
        parse_t0_values(text)
    assert len(str(problem.value)) < 600 and "set_int_max_str_digits" not in str(problem.value)


@pytest.mark.parametrize("value", [None, 5, 0.3, {}, 10**400])
def test_t0_values_are_a_text_or_a_list(value):
    with pytest.raises(ValueError, match="t0 values must be a text"):
        parse_t0_values(value)
