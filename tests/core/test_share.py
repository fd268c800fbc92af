"""Noise share: its definition, its inverse, its ends, and that every way in takes it."""

import json
import math
import re
from pathlib import Path

import pytest
import torch

from sdedit_core import ScoreModel, perturb, probe, reverse, sdedit, sweep
from sdedit_core.cli.main import main
from sdedit_core.measure.picks import sheet_after
from sdedit_core.measure.plots import tradeoff_plot
from sdedit_core.measure.table import sweep_rows, sweet_spot, table, to_csv
from sdedit_core.pictures.io import save_image
from sdedit_core.sampling.share import MODEL_TIME, NOISE_SHARE, UNITS, Dial, check_share, share_of, sigma_of
from sdedit_core.sde import VESDE, VPSDE, ContinuousVPSDE, FadingVESDE, Schedule, SubVPSDE

SHARES = (0.05, 0.2, 0.45, 0.5, 0.7, 0.9)
DOCUMENT = Path(__file__).parents[2] / "docs" / "choosing-t0.md"


class Flow(Schedule):
    """A flow model's schedule: level s = shift t / (1 + (shift - 1) t), sigma = s / (1 - s)."""

    sigma_min, sigma_max = 1e-3, 999.0

    def __init__(self, shift):
        self.shift = shift

    def __repr__(self):
        return f"Flow({self.shift:g})"

    def level(self, t):
        return self.shift * t / (1.0 + (self.shift - 1.0) * t)

    def _sigma(self, t):
        s = self.level(t)
        return self.sigma_max if s >= 0.999 else s / (1.0 - s)

    def _t(self, sigma):
        return sigma / (self.shift + sigma)


SCHEDULES = [VESDE(), FadingVESDE(), VPSDE(), ContinuousVPSDE(), SubVPSDE(), Flow(1.0), Flow(8.0)]


def gaussian(schedule, spread=0.25):
    """Pixels N(0.5, spread^2) in [0, 1], exact."""

    def denoise(x, sigma):
        weight = spread**2 / (spread**2 + sigma.reshape(-1, 1, 1, 1) ** 2)
        return weight * x + (1.0 - weight) * 0.5

    return ScoreModel.from_denoiser(denoise, schedule=schedule, data_range=(0.0, 1.0))


GUIDE = torch.rand(1, 3, 16, 16, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("data_std", [0.25, 0.5, 1.0, None])
@pytest.mark.parametrize("share", SHARES)
def test_the_two_conversions_are_inverses_and_as_defined(share, data_std):
    spread = 1.0 if data_std is None else data_std
    sigma = sigma_of(share, data_std)
    assert sigma / spread == pytest.approx(share / (1.0 - share), rel=1e-15), "noise over picture"
    assert share_of(sigma, data_std) == pytest.approx(share, rel=1e-15)


def test_the_ends():
    assert share_of(0.0, 0.25) == sigma_of(0.0, 0.25) == 0.0
    assert share_of(math.inf) == 1.0 and sigma_of(1.0) == math.inf


@pytest.mark.parametrize("shift", [1.0, 3.0, 8.0])
@pytest.mark.parametrize("share", SHARES)
def test_on_a_flow_model_the_share_is_its_own_level(shift, share):
    schedule = Flow(shift)
    assert schedule.level(Dial(schedule, 1.0, NOISE_SHARE).t0(share)) == pytest.approx(share, abs=1e-15)
    # what a shift does to model time: the node's default on Wan is nearly all noise
    assert share_of(Flow(8.0).sigma(0.45)) == pytest.approx(0.8675, abs=1e-4)


@pytest.mark.parametrize("schedule", SCHEDULES, ids=repr)
@pytest.mark.parametrize("data_std", [0.25, 1.0])
def test_a_share_is_the_same_ratio_on_every_schedule(schedule, data_std):
    dial = Dial(schedule, data_std, NOISE_SHARE)
    for share in SHARES:
        t0 = dial.t0(share)
        assert dial.share(schedule.sigma(t0)) == pytest.approx(share, rel=1e-9), (schedule, share)
        assert dial.note(share) == ""
    rising = [dial.t0(i / 50) for i in range(51)]
    assert rising == sorted(rising) and rising[0] == 0.0 and rising[-1] == 1.0


@pytest.mark.parametrize("schedule", SCHEDULES, ids=repr)
def test_beyond_the_largest_level_it_is_clamped_and_says_so(schedule):
    dial = Dial(schedule, 1.0, NOISE_SHARE)
    largest = share_of(schedule.sigma_max)
    assert dial.t0(1.0) == 1.0 and f"clamped to {largest:.4g}, at t0 = 1" in dial.note(1.0)
    assert dial.share(schedule.sigma(dial.t0(largest))) == pytest.approx(largest, rel=1e-9)
    assert "noise share" not in dial.note(largest) and dial.t0(min(1.0, largest * 1.0001)) == 1.0


def test_below_the_smallest_level_no_noise_is_added_and_it_says_so():
    dial = Dial(VESDE(0.01, 348.0), 0.25, NOISE_SHARE)
    assert dial.t0(0.038) == 0.0 and "less than this model's smallest level" in dial.note(0.038)
    assert dial.t0(0.039) > 0.0 and dial.note(0.039) == "" == dial.note(0.0)
    state = perturb(gaussian(VESDE()), GUIDE, noise_share=0.03, seed=1)
    assert torch.equal(state.samples, GUIDE) and "smallest level" in state.note


class Steps(Schedule):
    """Its first time after 0 has a level of 0.1 already, and smaller ones are asked for in vain, as on a host."""

    sigma_min, sigma_max = 0.1, 10.0

    def _sigma(self, t):
        return 0.1 * 100.0**t

    def _t(self, sigma):
        return max(1e-4, math.log(sigma / 0.1) / math.log(100.0))


def test_a_level_between_none_and_the_first_is_none():
    dial = Dial(Steps(), 0.25, NOISE_SHARE)
    for sigma in (0.03, 0.06, 0.09):
        share = share_of(sigma, 0.25)
        assert dial.t0(share) == 0.0 and "less than this model's smallest level" in dial.note(share), sigma
    share = share_of(0.1001, 0.25)
    assert 0.0 < dial.t0(share) < 0.001 and dial.note(share) == ""
    clamped = f"clamped to {share_of(10.0, 0.25):.4g}, at t0 = 1"
    assert clamped in dial.note(0.99) and share_of(10.0, 0.25) < 0.99


def test_what_a_schedule_says_of_a_t0_is_said_of_a_share_too():
    class Telling(Steps):
        def note(self, t):
            return f"about {t:.3f}"

    assert Dial(Telling(), 0.25, NOISE_SHARE).note(share_of(1.0, 0.25)) == "about 0.500"
    assert Dial(Telling()).note(0.25) == "about 0.250"


def test_a_refusal_names_the_unit_and_a_start():
    share = r"^The noise share must lie between .* 1 \(noise alone\), got 1\.5\. Start with 0\.45 to 0\.7\.$"
    for read in (check_share, Dial(VESDE(), 1.0, NOISE_SHARE).check):
        with pytest.raises(ValueError, match=share):
            read(1.5)
    with pytest.raises(ValueError, match=r"^t0 must lie between"):
        Dial(VESDE()).check(1.5)


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("value", SHARES)
def test_a_dial_shows_what_it_was_set_to(unit, value):
    dial = Dial(Flow(3.0), None, unit)
    assert dial.value(dial.t0(value)) == pytest.approx(value, rel=1e-6)
    assert Dial(Flow(3.0)).value(value) == value and dial.value(0.0) == 0.0


def test_in_model_time_the_dial_is_t0_itself():
    dial = Dial(VPSDE(), 0.5)
    assert dial.unit == MODEL_TIME == UNITS[0] and [dial.t0(v) for v in (0.0, 0.3, 1.0)] == [0.0, 0.3, 1.0]
    assert dial.name == "t0" and dial.label(0.3, 1.234567) == "t0 0.3   sigma 1.23"
    assert Dial(VPSDE(), 0.5, NOISE_SHARE).label(0.3, 0.5) == "noise share 0.5   t0 0.3"


@pytest.mark.parametrize("bad", [-0.1, 1.1, math.nan, math.inf, "much", None, True, 10**400])
def test_what_is_no_share_is_refused(bad):
    for read in (check_share, sigma_of, Dial(VESDE(), 1.0, NOISE_SHARE).t0):
        with pytest.raises(ValueError, match=r"noise share must .* between 0"):
            read(bad)


@pytest.mark.parametrize("bad", ["denoise", "", None, 3])
def test_what_is_no_unit_is_refused(bad):
    with pytest.raises(ValueError, match=r"unit of t0 is 't0 \(model time\)' or 'noise share'"):
        Dial(VESDE(), 1.0, bad)


# ---------------------------------------------------------------- ways in


@pytest.mark.parametrize("schedule", [VESDE(), VPSDE()], ids=repr)
def test_sdedit_and_perturb_take_a_share_in_place_of_t0(schedule):
    model = gaussian(schedule)
    result = sdedit(model, GUIDE, noise_share=0.6, steps=4, seed=3)
    assert result.sigma == pytest.approx(0.375, rel=1e-9) and "noise share 0.6)" in str(result.report)
    t0 = Dial(schedule, 0.25, NOISE_SHARE).t0(0.6)
    assert torch.equal(result.samples, sdedit(model, GUIDE, t0=t0, steps=4, seed=3).samples)
    state = perturb(model, GUIDE, noise_share=0.6, seed=3)
    assert state.t0 == t0 and torch.equal(reverse(model, state, steps=4).samples, result.samples)
    assert torch.equal(sdedit(model, GUIDE, noise_share=0.0, steps=4).samples, GUIDE)
    assert "clamped to" in str(sdedit(model, GUIDE, noise_share=1.0, steps=2).report)
    with pytest.raises(ValueError, match="one of them"):
        sdedit(model, GUIDE, t0=0.3, noise_share=0.6)
    with pytest.raises(ValueError, match="one of them"):
        perturb(model, GUIDE, seed=0)


def test_the_report_of_an_empty_mask_has_the_share_too():
    report = sdedit(gaussian(VESDE()), GUIDE, noise_share=0.6, mask=torch.zeros(1, 1, 16, 16)).report
    assert report.noise_share == pytest.approx(0.6)


def test_a_model_without_a_range_counts_as_one_of_normalised_latents():
    model = ScoreModel.from_denoiser(lambda x, sigma: 0.0 * x, schedule=VESDE(), data_range=None)
    assert sdedit(model, GUIDE, noise_share=0.6, steps=2).sigma == pytest.approx(1.5, rel=1e-9)


def test_sweep_and_probe_take_shares_and_name_their_unit():
    model = gaussian(VESDE())
    found = sweep(model, GUIDE, "0.4, 0.6", unit=NOISE_SHARE, steps=3, seed=2)
    assert found.complete and found.wanted == [0.4, 0.6]
    for share, cell in zip(found.wanted, found.cells, strict=True):
        alone = sdedit(model, GUIDE, noise_share=share, steps=3, seed=2)
        assert torch.equal(cell.samples, alone.samples) and cell.t0 == alone.report.t0
        assert cell.noise_share == pytest.approx(share) and cell.label.startswith(f"noise share {share:g}   t0 0.")
    rows = sweep_rows(found, GUIDE, [cell.samples.clamp(0, 1) for cell in found.cells])
    assert "share" in table(rows).splitlines()[0] and "0.6" in table(rows).splitlines()[2]
    assert to_csv(rows).splitlines()[0].startswith("t0,sigma,noise_share,")
    probed = probe(model, GUIDE, [0.4, 0.6], unit=NOISE_SHARE, seed=2)
    assert [one.sigma for one in probed] == [cell.sigma for cell in found.cells]
    assert probed[1].label == "noise share 0.6   t0 0.347"
    clamped = sweep(model, GUIDE, [1.0], unit=NOISE_SHARE, steps=2).cells[0]
    assert clamped.t0 == 1.0 and "clamped to" in clamped.notes[0]
    assert "clamped to" in probe(model, GUIDE, [1.0], unit=NOISE_SHARE)[0].note


def test_picks_search_in_the_unit_of_the_sheet():
    sheet = sheet_after((0.4, 0.5, 0.6), "2", name=NOISE_SHARE)
    assert sheet.t0 == 0.5 and str(sheet).startswith("Search: noise share 0.5 after 1 pick")
    assert str(sheet_after((0.4, 0.5, 0.6), "2")).startswith("Search: t0 0.5 after 1 pick")


def test_the_sweet_spot_and_the_plot_speak_in_the_unit():
    model = gaussian(VESDE())
    found = sweep(model, GUIDE, "0.2:0.8:4", unit=NOISE_SHARE, steps=2)
    rows = sweep_rows(found, GUIDE, [cell.samples.clamp(0, 1) for cell in found.cells])
    rows = [type(row)(**{**vars(row), "realism": 1.0 - row.noise_share}) for row in rows]
    spot = sweet_spot(rows, unit=NOISE_SHARE)
    assert str(spot).startswith(f"sweet spot: noise share 0.8, which is t0 {spot.best:.4g} (half of the realism at 0.6")
    assert spot.best == sweet_spot(rows).best and str(sweet_spot(rows)).startswith("sweet spot: t0 0.4")
    pytest.importorskip("matplotlib")
    one, two = (tradeoff_plot(rows, spot=spot, unit=unit, width=500, height=250) for unit in UNITS)
    assert one.size == two.size and one.tobytes() != two.tobytes(), "another axis"


@pytest.fixture
def strokes(tmp_path):
    save_image(GUIDE, tmp_path / "strokes.png")
    return tmp_path


QUICK = ["--steps", "2", "--size", "16"]


def run(*arguments):
    return main([str(argument) for argument in arguments])


def test_the_commands_take_a_share(strokes, capsys):
    guide, out = strokes / "strokes.png", strokes / "out.png"
    assert run("edit", guide, "-o", out, "--noise-share", 0.6, *QUICK) == 0
    assert "noise share 0.6)" in capsys.readouterr().out
    assert run("report", guide, "--noise-share", 0.6, "--json", strokes / "r.json", *QUICK) == 0
    assert "noise share 0.6," in capsys.readouterr().out
    assert json.loads((strokes / "r.json").read_text())["noise_share"] == pytest.approx(0.6)
    files = ["--csv", strokes / "t.csv", "--pictures", strokes / "cells"]
    assert run("sweep", guide, "-o", out, "--noise-share", "0.4,0.6,1", *files, *QUICK) == 0
    assert "clamped to" in capsys.readouterr().out
    names = sorted(path.name for path in (strokes / "cells").iterdir())
    assert names == ["noise-share-0.4.png", "noise-share-0.6.png", "noise-share-1.png"]
    found = [line.split(",")[2] for line in (strokes / "t.csv").read_text().splitlines()[1:3]]
    assert [float(share) for share in found] == pytest.approx([0.4, 0.6])
    assert run("sweep", guide, "-o", out, "--noise-share", "0.4,0.6", "--probe", *QUICK) == 0
    assert "noise share 0.6" in capsys.readouterr().out


@pytest.mark.parametrize("command", ["edit", "report", "sweep"])
def test_the_commands_take_one_of_the_two(strokes, capsys, command):
    out = [] if command == "report" else ["-o", strokes / "out.png"]
    both = ["--t0", "0.3", "--noise-share", "0.6"]
    assert run(command, strokes / "strokes.png", *out, *both, *QUICK) == 1
    assert "--t0 and --noise-share both say how much noise" in capsys.readouterr().err


def test_info_lists_the_shares(capsys):
    assert run("info", "landscape-alpine") == 0
    assert "t0 -> noise share: " in capsys.readouterr().out


# ---------------------------------------------------------------- what the documents say

KNOWN = {  # row of the table -> (schedule in the model's units, spread)
    "built-in landscapes, by eye": (FadingVESDE(0.01, 348.0), 0.25),
    "the paper's VE networks": (VESDE(0.01, 348.0), 0.25),
    "the paper's VP networks": (VPSDE(), 0.5),
    "SD 1.5 and SDXL, as img2img is used": (VPSDE(torch.linspace(0.00085**0.5, 0.012**0.5, 1000) ** 2), 1.0),
}


def test_the_ranges_that_the_recommendation_comes_from():
    rows = re.findall(
        r"^\| (.+?) \| ([\d.]+) to ([\d.]+) \| ([\d.]+) to ([\d.]+) \|$", DOCUMENT.read_text("utf-8"), re.M
    )
    known = {row[0]: row[1:] for row in rows if row[0] in KNOWN}
    assert known.keys() == KNOWN.keys()
    for name, (low, high, low_share, high_share) in known.items():
        schedule, spread = KNOWN[name]
        for t0, share in ((low, low_share), (high, high_share)):
            assert float(share) == pytest.approx(share_of(schedule.sigma(float(t0)), spread), abs=0.0051), name


def test_the_share_of_the_strokes_template():
    t0, share = re.search(r"at t0 ([\d.]+) on SDXL, a share of ([\d.]+)\.", DOCUMENT.read_text("utf-8")).groups()
    schedule, _ = KNOWN["SD 1.5 and SDXL, as img2img is used"]
    assert float(share) == pytest.approx(share_of(schedule.sigma(float(t0))), abs=0.0051)


def test_the_table_of_models_follows_from_its_shifts():
    rows = re.findall(
        r"^\| (.+?) \| ([\d.]+) \| ([\d.]+) \| ([\d.]+) to ([\d.]+) \|$", DOCUMENT.read_text("utf-8"), re.M
    )
    assert len(rows) == 10
    for name, *numbers in rows:
        shift, share, low, high = map(float, numbers)
        schedule = Flow(shift)
        assert share == pytest.approx(schedule.level(0.4), abs=0.0051), name
        for t0, wanted in ((low, 0.45), (high, 0.7)):
            assert t0 == pytest.approx(schedule.t(sigma_of(wanted)), abs=0.0051), name
