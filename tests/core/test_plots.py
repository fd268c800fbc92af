"""The trade-off plot and the heat map."""

import builtins

import pytest
import torch

from sdedit_core.measure.plots import difference_map, heat_colours, heat_map, tradeoff_plot
from sdedit_core.measure.table import Row, SweetSpot


def made(n=4, **extra):
    return [
        Row(t0=i / 10, sigma=0.1 * i, l2=float(i), l2_squared=1.0, rmse=0.1, psnr=20.0, ssim=0.5, **extra)
        for i in range(n)
    ]


def test_the_plot_is_a_picture_that_depends_on_its_rows():
    pytest.importorskip("matplotlib")
    plain = tradeoff_plot(made(realism=0.3), width=600, height=300)
    assert plain.size == (600, 300) and plain.mode == "RGB"
    spot = tradeoff_plot(made(realism=0.3), spot=SweetSpot(0.2, 0.1, 0.3, False), floor=0.1, width=600, height=300)
    assert spot.tobytes() != plain.tobytes()
    bound = tradeoff_plot(made(strict_l2=3.0), width=600, height=300)
    vacuous = tradeoff_plot(made(strict_l2=3.0, vacuous=True), width=600, height=300)
    assert len({plain.tobytes(), bound.tobytes(), vacuous.tobytes()}) == 3
    with pytest.raises(ValueError, match="at least two"):
        tradeoff_plot(made(1))


def test_without_matplotlib_the_curves_and_the_sweet_spot_are_drawn(monkeypatch):
    real = builtins.__import__

    def no_matplotlib(name, *args, **kwargs):
        if name.startswith("matplotlib"):
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", no_matplotlib)
    spot = SweetSpot(best=0.3, low=0.2, high=0.4, edge=False)
    pictures = [
        tradeoff_plot(made(), width=600, height=300),
        tradeoff_plot(made(realism=0.5), width=600, height=300),
        tradeoff_plot(made(realism=0.5), spot=spot, width=600, height=300),
    ]
    assert {picture.size for picture in pictures} == {(600, 300)}
    assert len({picture.tobytes() for picture in pictures}) == 3
    colours = [{colour for _, colour in picture.getcolors(600 * 300)} for picture in pictures]
    real_curve, shade = (0xC2, 0x41, 0x0C), (0xDC, 0xF3, 0xE3)
    assert [real_curve in found for found in colours] == [False, True, True]
    assert [shade in found for found in colours] == [False, False, True]


def test_importing_the_module_does_not_import_matplotlib():
    import subprocess
    import sys

    code = "import sys, sdedit_core.measure.plots, sdedit_core.cli; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], timeout=120).returncode == 0


def test_colours_rise_in_brightness():
    ramp = heat_colours(torch.linspace(0, 1, 64).view(1, 1, 1, 64))
    light = 0.2126 * ramp[0, 0] + 0.7152 * ramp[0, 1] + 0.0722 * ramp[0, 2]
    assert bool((light.diff() > 0).all()) and ramp.shape == (1, 3, 1, 64)
    assert torch.equal(heat_colours(torch.full((1, 1, 1, 1), 7.0)), heat_colours(torch.ones(1, 1, 1, 1)))


def test_the_heat_map_is_bright_where_the_pictures_differ():
    a = torch.zeros(1, 3, 40, 60)
    b = a.clone()
    b[..., 10:20, 30:40] = 0.5
    assert difference_map(a, b)[0, 0, 15, 35] == pytest.approx(0.5)
    image = heat_map(a, b, legend=False)
    assert image.shape == a.shape
    assert image[0, :, 15, 35].sum() > 2.0 > image[0, :, 0, 0].sum()
    legend = heat_map(a, b)
    assert legend.shape[2] > 40 and torch.equal(legend[..., :40, :], image)
    assert float(legend.min()) >= 0.0 and float(legend.max()) <= 1.0


def test_the_mask_is_outlined_and_equal_pictures_are_dark():
    a = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    dark = heat_map(a, a, legend=False)
    assert float(dark.max()) < 0.1
    mask = torch.zeros(1, 1, 32, 32)
    mask[..., 8:16, 8:16] = 1.0
    outlined = heat_map(a, a, mask=mask, legend=False)
    assert int((outlined[0].sum(0) == 3.0).sum()) == 36  # the ring around an 8 x 8 square
    with pytest.raises(ValueError, match="scale"):
        heat_map(a, a, scale=float("nan"))
