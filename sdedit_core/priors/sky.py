"""The sky of a painting: bands of paint that stand for one sky.

A sky is painted in a few bands, darker above.  No sky has borders there: looking lower, through more air, it gets
lighter step by step, in any colour.  The references know this of their own skies (see :mod:`.calm`), not of a green
one.  In the cartoon C of a picture, row by row, the colour that is usual in the row is the sky's from the top down to
where it first gets darker: hills, a wood, water.  What has one of these colours, in these rows or straight below them,
is sky, s in [0, 1]; sun, clouds and towers are not, nor a cloud in a colour that the sky has much lower down.  Where
the usual colour never gets darker there is no telling sky from ground, sand or snow: then s is 0.  It is 0 as well
below a large step to a lighter colour, as to snow.  How the borders melt: see :mod:`.melted`.

A lighter sea below a darker sky, with something dark in front of it, is taken for sky: its horizon is in haze.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F

from .windows import mean_around, mean_of

_USUAL = 0.5  # of the brightness of a row, its usual colour: things take up less than this, clouds less than the rest
_ROWS = 24  # height over half the number of rows of which the usual colour is one in the middle
_AGAIN = 16  # height over the number of rows in which a colour has to come again below a cloud
_DARKER = 0.06  # drop of the usual brightness with which the sky ends, over the brightness that it had
_LEAST = 0.012  # and at least so much of it
_JUMP = 0.2  # rise of it with which the sky ends as well: snow
_LIKE = 0.035  # distance in RGB, RMS, at which a colour is the sky's by half
_BRIGHT = 0.4  # mean of a sky from which it is that; in a darker one less
_STEEP = 4
_OFF = 0.1  # of the height: so far from its rows, a colour is the sky's by half
_COLOURS = 40  # so many rows or a few more are looked at for a colour
_MELTED = 20  # height over half the way on which a border between bands may run up and down
_ACROSS, _AROUND = 24, 10  # shorter side over how far it is seen, and for how far it counts, whether borders lie level
_SLOPE = 0.12  # square of the slope at which they do by half
_FLAT = 2e-3  # change from cell to cell that is none, times 128 cells over their number


def sky_of(painted: torch.Tensor) -> torch.Tensor:
    """s of a cartoon (3, H, W): (1, H, W) in [0, 1]."""
    height, width = painted.shape[1:]
    place = painted.mean(0).sort(dim=1, stable=True).indices[:, int(_USUAL * (width - 1))]
    usual = painted.gather(2, place.expand(3, -1)[..., None])[..., 0]
    near = max(1, height // _ROWS)
    usual = F.pad(usual[None], (near, near), mode="replicate")[0].unfold(1, 2 * near + 1, 1).median(2).values
    limit = (_LIKE / _BRIGHT * usual[:, : max(1, height // 4)].mean()).clamp(_LIKE / 4, _LIKE).square()
    usual = _without_clouds(usual, limit)
    above = _above(usual)
    # where the border of two bands runs up and down: colours between those of rows
    among = mean_around(torch.cat([usual * above, above[None]])[:, None], max(1, height // _MELTED))[:, 0]
    colours = torch.stack([usual, among[:3] / among[3:].clamp_min(1e-3)], 1)
    colours = torch.where(above > 0, colours, torch.full_like(colours, torch.inf))
    rows, apart = torch.arange(height, device=above.device), painted.new_full((height, width), torch.inf)
    for row in range(0, height, max(1, height // _COLOURS)):
        off = limit * ((rows - row) / (_OFF * height)).square()
        for colour in colours[..., row].T:
            apart = torch.minimum(apart, (painted - colour[:, None, None]).square().mean(0) + off[:, None])
    like = 1.0 / (1.0 + (apart / limit) ** _STEEP)
    alike = (2.0 * mean_around(like, 1)).clamp_max(1.0)
    below = rows > (above * rows).amax()
    return (like * torch.where(below[:, None], alike, torch.ones_like(like)).cumprod(0))[None]


def _without_clouds(usual: torch.Tensor, limit: torch.Tensor) -> torch.Tensor:
    """Usual colours (3, H): lighter ones, between rows of the same colour (within ``limit``, squared), become that."""
    rows = torch.arange(usual.shape[1], device=usual.device)
    lightness = usual.mean(0)
    same = (usual[:, :, None] - usual[:, None]).square().mean(0) < limit
    ground = _drops(lightness, lightness.cummin(0).values)
    again = (same & ~ground).flip(1).int().cumsum(1).flip(1) > len(rows) // _AGAIN
    cloud = ~same & (rows[:, None] < rows) & again & (lightness[:, None] < lightness)
    kept = torch.where(cloud.any(0), -1, rows).cummax(0).values.clamp_min(0)
    return usual[:, kept]


def _above(usual: torch.Tensor) -> torch.Tensor:
    """Rows (H) of the sky, 0 or 1, by their usual colours (3, H)."""
    lightness = usual.mean(0)
    end = _drops(lightness, lightness.cummax(0).values)
    further = torch.cat([lightness, lightness[-1:].expand(max(1, len(lightness) // _ROWS))])[-len(lightness) :]
    jumps = (further - lightness > _JUMP).int().cummax(0).values.bool()
    return (end[-1] & ~end & ~jumps).float()


def _drops(lightness: torch.Tensor, before: torch.Tensor) -> torch.Tensor:
    """From where on (H) a lightness has been below that ``before``."""
    return (lightness < F.pad(before - (_DARKER * before).clamp_min(_LEAST), (1, 0))[:-1]).int().cummax(0).values.bool()


def level(shown: torch.Tensor, sky: torch.Tensor) -> torch.Tensor:
    """l of a cartoon (3, H, W) with its sky (1, H, W): (1, H, W) in [0, 1]."""
    side = min(shown.shape[1:])
    reach, count = max(1, side // _ACROSS), max(1, side // _AROUND)
    field = mean_of(shown, sky, reach)
    across = F.pad(field[..., 1:] - field[..., :-1], (0, 1)).square().sum(0, keepdim=True)
    down = F.pad(field[:, 1:] - field[:, :-1], (0, 0, 0, 1)).square().sum(0, keepdim=True)
    across, down = (mean_around(sky * part, count) for part in (across, down))
    slope = across / (down + (_FLAT * 128 / side) ** 2)
    return 1.0 / (1.0 + (slope / _SLOPE).square())
