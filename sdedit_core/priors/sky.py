"""The sky of a painting: bands of paint stand for one sky, so their borders melt into each other.

A sky is painted in a few bands, darker above.  No sky has borders there: looking lower, through more air, it gets
lighter step by step, in any colour.  The references know this of their own skies (see :mod:`.calm`), not of a green
one.  In the cartoon C of a picture, row by row, the colour that is usual in the row is the sky's from the top down to
where it first gets darker: hills, a wood, water.  What has one of these colours, in these rows or straight below them,
is sky, s in [0, 1]; sun, clouds and towers are not.  There

    D' = D + s l (G(C(D)) - C(D)) - p s (D - C(D)),

G a mean of the sky alone, so that nothing else bleeds into it.  Where the usual colour never gets darker there is no
telling sky from ground, sand or snow: then s is 0.  It is 0 as well below a large step to a lighter colour, as to snow.
l is whether the sky's borders lie level there: white mountains are lighter than the sky above them, and theirs do not
(by the structure tensor of Foerstner and Guelch, 1987).  What is finer than C, in a sky of a colour that the references
lack, is flecks and wisps of their skies: most of it goes, p, but not in the dark, where there are stars; in any other
sky what is many times stronger than usual goes.  Clouds: see :mod:`.clouds`, and :mod:`.ragged` for their outlines and
those of long strokes on the ground.

A lighter sea below a darker sky, with something dark in front of it, is taken for sky: its horizon is in haze.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F

from .around import beyond
from .cartoon import cartoon
from .cells import in_cells, in_pixels
from .clouds import clouds_of, softened
from .palette import Cartoons
from .ragged import MOST as RAGGED
from .ragged import ragged
from .stray import daylight
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
_PLAIN = 0.7  # of the texture of a foreign sky that goes
_STRONG = 6.0  # times the usual energy of a sky's texture: half of it goes
_FOREIGN = (0.03, 0.5)  # change of a sky, RMS over its mean, that makes it foreign by half; and more of it with sigma
_CELLS = 128  # most cells on the shorter side, about
_COLOURS = 40  # so many rows or a few more are looked at for a colour
_MELTED = 20  # height over half the way on which a border between bands may run up and down
_WIDE = 40  # shorter side over half the width of a mean; there are three
_LEVEL = 0.02  # sigma at which half of it is done: what is left at the end is kept
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
    colours = torch.where(above > 0, colours, torch.full_like(colours, torch.inf))[..., :: max(1, height // _COLOURS)]
    apart = painted.new_full((height, width), torch.inf)
    for colour in colours.flatten(1).T:
        apart = torch.minimum(apart, (painted - colour[:, None, None]).square().mean(0))
    like = 1.0 / (1.0 + (apart / limit) ** _STEEP)
    alike = (2.0 * mean_around(like, 1)).clamp_max(1.0)
    rows = torch.arange(height, device=above.device)
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


def with_sky(mean: torch.Tensor, seen: Cartoons, sigma: float) -> torch.Tensor:
    """D' of a posterior mean D (3, H, W), and with other outlines of clouds and of strokes on the ground.

    Args:
        mean: D.
        seen: C of the picture that D is the mean of.
        sigma: its noise level, above 0; what is painted melts while there is noise to hide it.
    """
    pooled = max(1, min(seen.painted.shape[1:]) // _CELLS)
    cell, painted = seen.cell * pooled, in_cells(seen.painted, pooled)
    sky = sky_of(painted)
    shown = cartoon(in_cells(mean, cell), seen.strength / pooled)
    melted = mean_of(shown, sky, max(1, min(shown.shape[1:]) // _WIDE))
    texture = mean - in_pixels(shown, cell, *mean.shape[1:])
    lacking = painted - in_cells(seen.shown, pooled)
    clouds, foreign = clouds_of(painted, sky), _foreign(lacking, painted, sky, sigma)
    bare = foreign**3  # how far the references lack the clouds of this sky
    change = sky * level(shown, sky) * (melted - shown) + bare * softened(shown, sky, clouds)
    done, gone = sigma**2 / (sigma**2 + _LEVEL**2), torch.zeros_like(sky)
    if sigma <= RAGGED:
        grain = in_cells(texture.mean(0, keepdim=True), cell)
        outlines, gone = ragged(shown, grain, painted, lacking, sky, clouds, sigma=sigma, foreign=bare)
        change = change + outlines
    plain = _PLAIN * foreign
    plain = plain.maximum(_flecks(in_cells(texture.square().mean(0, keepdim=True), cell), sky))
    plain = in_pixels((plain * sky * daylight(painted)).maximum(done * gone), cell, *mean.shape[1:])
    return mean + in_pixels(done * change, cell, *mean.shape[1:]) - plain * texture


def _flecks(energy: torch.Tensor, sky: torch.Tensor) -> torch.Tensor:
    """How far a texture of that energy is much stronger than usual in the sky; all (1, H, W)."""
    share, root = torch.cat([sky, sky * energy.sqrt()]).mean(2).mean(1)  # row by row, see palette
    limit = _STRONG * (root / share.clamp_min(1e-6)).square() + 1e-10
    return mean_around(beyond(energy, limit.sqrt()), 1)


def _foreign(change: torch.Tensor, painted: torch.Tensor, sky: torch.Tensor, sigma: float) -> torch.Tensor:
    """How far the sky has colours that the references lack, 0 to 1, by C(x) - C(P); all (C, H, W)."""
    parts = torch.cat([sky, sky * painted.mean(0), sky * change.square().mean(0)])
    share, bright, energy = parts.mean(2).mean(1).clamp_min(1e-6)  # row by row, see palette
    over = energy * share / (bright * (_FOREIGN[0] + _FOREIGN[1] * sigma)).square()
    return over**3 / (1.0 + over**3)
