"""Stroke paintings of every mood: what a newcomer might paint in a minute, with a few colours."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from .painting import Canvas, Paint, band

GUIDES: dict[str, str] = {
    "alpine": "grey peak with a snow cap, two clouds, a meadow with a dark wood",
    "lake": "mountains and a wooded shore over flat blue water",
    "sunset": "low sun between dark hills, glitter path on the sea",
    "autumn": "orange meadow, dark conifers, grey mountains in haze",
    "desert": "two red mesas under a blue sky, ochre sand",
    "night": "moon over dark ridges, moonlit water",
}


def paint_guide(name: str, *, width: int, height: int) -> Tensor:
    """The stroke painting `name` as (1, 3, height, width) in [0, 1]. Deterministic."""
    if name not in _PAINTERS:
        raise ValueError(f"unknown example guide {name!r}: expected one of {', '.join(_PAINTERS)}")
    if min(width, height) < 16:
        raise ValueError(f"an example guide needs at least 16 x 16 pixels, got {width} x {height}")
    return _PAINTERS[name](width, height).tensor()


def _cloud(canvas: Canvas, x: float, y: float, size: float, light: Paint, dark: Paint) -> None:
    """Three dabs and a flat shaded base."""
    canvas.stroke([(x - size, y + 0.012), (x + size, y + 0.012)], dark, width=0.45 * size)
    canvas.stroke([(x - 0.8 * size, y), (x + 0.8 * size, y)], light, width=0.5 * size)
    canvas.blob(x - 0.25 * size, y - 0.18 * size, 0.34 * size, light)
    canvas.blob(x + 0.30 * size, y - 0.12 * size, 0.28 * size, light)


def _conifer(canvas: Canvas, x: float, foot: float, height: float, paint: Paint) -> None:
    """A narrow triangle of short strokes."""
    canvas.wash([(x - 0.17 * height, foot), (x, foot - height), (x + 0.17 * height, foot)], paint, wobble=0.006)


def _alpine(width: int, height: int) -> Canvas:
    c = Canvas(width, height, (84, 146, 214))
    c.wash(band(0.26, 0.62), (132, 182, 226))
    c.wash(band(0.44, 0.62), (170, 206, 232))
    _cloud(c, 0.20, 0.17, 0.15, (238, 242, 247), (190, 206, 226))
    _cloud(c, 0.84, 0.11, 0.11, (238, 242, 247), (190, 206, 226))
    c.wash([(-0.1, 0.64), (0.02, 0.52), (0.14, 0.45), (0.26, 0.53), (0.38, 0.64)], (138, 146, 158))
    c.wash([(0.72, 0.64), (0.86, 0.50), (0.95, 0.45), (1.1, 0.56), (1.1, 0.64)], (138, 146, 158))
    c.wash([(0.20, 0.64), (0.36, 0.44), (0.53, 0.16), (0.66, 0.36), (0.86, 0.64)], (112, 116, 122))
    c.wash([(0.53, 0.16), (0.60, 0.38), (0.58, 0.52), (0.70, 0.62), (0.86, 0.64), (0.66, 0.36)], (146, 152, 160))
    c.wash(
        [(0.435, 0.32), (0.53, 0.16), (0.615, 0.29), (0.575, 0.33), (0.54, 0.28), (0.50, 0.35), (0.47, 0.30)],
        (238, 242, 248),
        wobble=0.004,
    )
    c.wash(band(0.615, 1.05), (98, 126, 54))
    c.stroke([(0.02, 0.635), (0.30, 0.625), (0.55, 0.635), (0.98, 0.625)], (52, 78, 38), width=0.035)
    c.stroke([(-0.02, 0.74), (0.22, 0.72), (0.40, 0.745)], (48, 72, 36), width=0.05)
    c.stroke([(0.62, 0.80), (0.82, 0.78), (1.02, 0.80)], (60, 88, 40), width=0.05)
    c.stroke([(0.08, 0.92), (0.40, 0.90), (0.66, 0.93)], (124, 148, 66), width=0.05)
    return c


def _lake(width: int, height: int) -> Canvas:
    c = Canvas(width, height, (84, 146, 216))
    c.wash(band(0.22, 0.6), (130, 180, 228))
    c.wash(band(0.38, 0.6), (168, 204, 234))
    _cloud(c, 0.22, 0.13, 0.13, (240, 244, 248), (196, 212, 230))
    c.wash([(-0.1, 0.53), (0.04, 0.42), (0.18, 0.33), (0.30, 0.42), (0.44, 0.53)], (136, 146, 160))
    c.wash([(0.36, 0.53), (0.52, 0.36), (0.66, 0.19), (0.80, 0.36), (1.0, 0.53)], (118, 126, 138))
    c.wash([(0.66, 0.19), (0.70, 0.36), (0.78, 0.53), (1.0, 0.53), (0.80, 0.36)], (148, 156, 166))
    c.wash(
        [(0.58, 0.30), (0.66, 0.19), (0.735, 0.29), (0.70, 0.32), (0.66, 0.27), (0.62, 0.32)],
        (240, 244, 248),
        wobble=0.004,
    )
    c.stroke([(-0.02, 0.52), (0.30, 0.525), (0.60, 0.515), (1.02, 0.525)], (52, 80, 44), width=0.055)
    c.wash(band(0.55, 1.05), (92, 138, 188))
    c.wash([(0.44, 0.56), (0.86, 0.56), (0.72, 0.78), (0.62, 0.80)], (104, 124, 150))
    c.stroke([(0.0, 0.57), (0.40, 0.565), (1.0, 0.57)], (58, 88, 92), width=0.03)
    c.wash(band(0.88, 1.05), (66, 112, 172))
    return c


def _sunset(width: int, height: int) -> Canvas:
    c = Canvas(width, height, (92, 70, 130))
    c.wash(band(0.14, 0.6), (150, 92, 134))
    c.wash(band(0.27, 0.6), (206, 122, 112))
    c.wash(band(0.40, 0.6), (240, 164, 104))
    c.blob(0.62, 0.45, 0.17, (250, 188, 116))
    c.stroke([(0.05, 0.16), (0.20, 0.14), (0.36, 0.17)], (226, 122, 128), width=0.04)
    c.stroke([(0.66, 0.10), (0.80, 0.085), (0.95, 0.11)], (214, 112, 128), width=0.04)
    c.blob(0.62, 0.46, 0.045, (255, 240, 190))
    c.wash([(-0.1, 0.57), (0.0, 0.47), (0.13, 0.40), (0.28, 0.47), (0.46, 0.57)], (126, 78, 72))
    c.wash([(0.74, 0.57), (0.86, 0.48), (0.97, 0.44), (1.1, 0.5), (1.1, 0.57)], (126, 78, 72))
    c.wash(band(0.555, 1.05), (176, 108, 112))
    c.wash(band(0.72, 1.05), (134, 88, 122))
    c.wash(band(0.88, 1.05), (104, 74, 122))
    for i in range(9):
        y = 0.585 + 0.045 * i
        spread = 0.025 + 0.008 * i
        c.stroke([(0.62 - spread, y), (0.62 + spread, y)], (255, 214, 150), width=0.022)
    return c


def _autumn(width: int, height: int) -> Canvas:
    c = Canvas(width, height, (168, 190, 212))
    c.wash(band(0.24, 0.6), (196, 208, 218))
    _cloud(c, 0.62, 0.13, 0.18, (236, 237, 237), (206, 212, 218))
    c.wash([(-0.1, 0.52), (0.08, 0.40), (0.24, 0.27), (0.36, 0.38), (0.52, 0.52)], (142, 146, 152))
    c.wash([(0.46, 0.52), (0.60, 0.42), (0.74, 0.32), (0.90, 0.42), (1.1, 0.52)], (156, 162, 170))
    c.wash(band(0.50, 1.05), (186, 108, 34))
    c.stroke([(-0.02, 0.52), (0.34, 0.51), (0.64, 0.525), (1.02, 0.51)], (150, 66, 22), width=0.05)
    c.stroke([(0.18, 0.64), (0.42, 0.62), (0.60, 0.65)], (160, 76, 26), width=0.06)
    c.stroke([(0.50, 0.82), (0.76, 0.80), (1.02, 0.83)], (152, 74, 26), width=0.06)
    c.stroke([(0.05, 0.93), (0.34, 0.91), (0.58, 0.94)], (204, 136, 48), width=0.06)
    _conifer(c, 0.14, 0.84, 0.42, (36, 44, 28))
    _conifer(c, 0.25, 0.80, 0.28, (40, 48, 30))
    _conifer(c, 0.86, 0.86, 0.46, (36, 44, 28))
    return c


def _desert(width: int, height: int) -> Canvas:
    c = Canvas(width, height, (92, 146, 208))
    c.wash(band(0.22, 0.6), (140, 184, 222))
    c.wash(band(0.40, 0.6), (186, 208, 226))
    c.stroke([(0.10, 0.17), (0.26, 0.15), (0.42, 0.16)], (238, 241, 244), width=0.035)
    c.wash(
        [(0.06, 0.58), (0.11, 0.45), (0.12, 0.36), (0.28, 0.34), (0.40, 0.36), (0.43, 0.46), (0.48, 0.58)],
        (172, 94, 64),
    )
    c.wash([(0.30, 0.36), (0.40, 0.36), (0.43, 0.46), (0.48, 0.58), (0.34, 0.58)], (122, 66, 50))
    c.wash([(0.68, 0.58), (0.71, 0.47), (0.78, 0.45), (0.86, 0.46), (0.90, 0.58)], (172, 100, 70))
    c.wash(band(0.565, 1.05), (204, 154, 92))
    c.stroke([(-0.02, 0.60), (0.40, 0.59), (1.02, 0.60)], (186, 132, 78), width=0.03)
    c.stroke([(0.05, 0.74), (0.34, 0.70), (0.60, 0.73)], (168, 112, 64), width=0.05)
    c.stroke([(0.46, 0.88), (0.74, 0.84), (1.02, 0.88)], (170, 114, 66), width=0.055)
    c.stroke([(0.0, 0.94), (0.20, 0.92), (0.36, 0.95)], (222, 176, 112), width=0.05)
    return c


def _night(width: int, height: int) -> Canvas:
    c = Canvas(width, height, (12, 16, 46))
    c.wash(band(0.30, 0.66), (22, 34, 78))
    c.wash(band(0.46, 0.66), (34, 52, 104))
    c.blob(0.34, 0.21, 0.10, (34, 46, 92))
    c.blob(0.34, 0.21, 0.048, (244, 245, 240))
    for x, y in (
        (0.10, 0.10),
        (0.58, 0.08),
        (0.72, 0.22),
        (0.88, 0.12),
        (0.52, 0.30),
        (0.14, 0.34),
        (0.93, 0.34),
    ):
        c.blob(x, y, 0.006, (200, 208, 224))
    c.wash([(0.40, 0.63), (0.58, 0.48), (0.72, 0.31), (0.84, 0.45), (1.1, 0.60), (1.1, 0.63)], (26, 34, 54))
    c.wash([(-0.1, 0.63), (0.04, 0.50), (0.15, 0.43), (0.30, 0.54), (0.46, 0.63)], (28, 38, 60))
    c.wash(band(0.62, 1.05), (24, 36, 82))
    c.stroke([(0.0, 0.625), (0.5, 0.62), (1.0, 0.625)], (12, 18, 28), width=0.025)
    c.wash(band(0.84, 1.05), (14, 22, 58))
    for i in range(8):
        y = 0.66 + 0.042 * i
        c.stroke([(0.34 - 0.03, y), (0.34 + 0.03, y)], (150, 168, 206), width=0.016)
    return c


_PAINTERS: dict[str, Callable[[int, int], Canvas]] = {
    "alpine": _alpine,
    "lake": _lake,
    "sunset": _sunset,
    "autumn": _autumn,
    "desert": _desert,
    "night": _night,
}
