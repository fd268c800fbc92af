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
    c = Canvas(width, height, (86, 149, 219))
    c.wash(band(0.16, 0.64), (106, 163, 223))
    c.wash(band(0.32, 0.64), (134, 182, 228))
    c.wash(band(0.46, 0.64), (158, 196, 231))
    _cloud(c, 0.19, 0.17, 0.17, (228, 234, 242), (196, 212, 232))
    _cloud(c, 0.86, 0.12, 0.12, (228, 234, 242), (196, 212, 232))
    c.wash([(-0.1, 0.63), (0.0, 0.50), (0.09, 0.45), (0.18, 0.50), (0.34, 0.63)], (124, 136, 152))
    c.wash([(0.70, 0.63), (0.88, 0.48), (0.97, 0.43), (1.1, 0.52), (1.1, 0.63)], (124, 136, 152))
    c.wash([(0.19, 0.63), (0.36, 0.44), (0.52, 0.18), (0.66, 0.39), (0.87, 0.63)], (98, 108, 122))
    lit = [(0.52, 0.18), (0.57, 0.36), (0.53, 0.48), (0.62, 0.62), (0.87, 0.63), (0.66, 0.39)]
    c.wash(lit, (140, 144, 148))
    snow = [(0.52, 0.18), (0.42, 0.35), (0.455, 0.335), (0.475, 0.39), (0.51, 0.33), (0.545, 0.42), (0.58, 0.345)]
    c.wash([*snow, (0.61, 0.40), (0.635, 0.35)], (210, 217, 228), wobble=0.004)
    c.wash([(0.52, 0.20), (0.44, 0.33), (0.475, 0.37), (0.52, 0.30)], (164, 176, 194), wobble=0.004)
    c.wash(band(0.615, 1.05), (92, 122, 66))
    c.stroke([(0.0, 0.63), (0.28, 0.62), (0.55, 0.635), (1.0, 0.62)], (58, 86, 56), width=0.045)
    c.stroke([(-0.02, 0.735), (0.20, 0.715), (0.40, 0.74)], (52, 78, 46), width=0.055)
    c.stroke([(0.60, 0.80), (0.80, 0.775), (1.02, 0.80)], (54, 80, 46), width=0.055)
    c.stroke([(0.44, 0.69), (0.62, 0.70), (0.84, 0.69)], (112, 140, 78), width=0.04)
    c.stroke([(0.06, 0.90), (0.36, 0.87), (0.62, 0.91)], (114, 142, 80), width=0.055)
    return c


def _lake(width: int, height: int) -> Canvas:
    c = Canvas(width, height, (104, 162, 223))
    c.wash(band(0.13, 0.6), (128, 177, 227))
    c.wash(band(0.26, 0.6), (148, 189, 231))
    c.wash(band(0.38, 0.6), (164, 199, 233))
    _cloud(c, 0.20, 0.13, 0.16, (228, 235, 243), (198, 214, 233))
    c.wash([(-0.1, 0.53), (0.04, 0.42), (0.17, 0.34), (0.30, 0.42), (0.46, 0.53)], (126, 140, 158))
    c.wash([(0.36, 0.53), (0.52, 0.38), (0.66, 0.20), (0.80, 0.37), (1.04, 0.53)], (118, 129, 143))
    c.wash([(0.66, 0.20), (0.70, 0.38), (0.78, 0.53), (1.04, 0.53), (0.80, 0.37)], (154, 164, 176))
    snow = [(0.66, 0.20), (0.535, 0.365), (0.585, 0.35), (0.615, 0.41), (0.66, 0.345), (0.69, 0.42), (0.735, 0.355)]
    c.wash([*snow, (0.795, 0.37)], (216, 224, 234), wobble=0.004)
    c.wash([(0.66, 0.215), (0.55, 0.36), (0.61, 0.39), (0.66, 0.31)], (178, 189, 205), wobble=0.004)
    c.stroke([(-0.02, 0.515), (0.30, 0.52), (0.60, 0.515), (1.02, 0.52)], (72, 100, 84), width=0.055)
    c.wash(band(0.545, 1.05), (132, 170, 209))
    c.wash([(0.40, 0.56), (0.98, 0.56), (0.78, 0.72), (0.67, 0.83), (0.55, 0.70)], (112, 130, 152))
    c.stroke([(0.66, 0.80), (0.675, 0.75), (0.66, 0.70)], (196, 210, 228), width=0.055)
    c.wash([(-0.05, 0.56), (0.36, 0.56), (0.20, 0.70), (0.10, 0.70)], (122, 142, 164))
    c.stroke([(-0.02, 0.56), (0.40, 0.555), (1.02, 0.56)], (88, 116, 118), width=0.03)
    c.stroke([(0.02, 0.84), (0.26, 0.83), (0.48, 0.84)], (108, 155, 201), width=0.06)
    c.wash(band(0.90, 1.05), (98, 147, 198))
    return c


def _sunset(width: int, height: int) -> Canvas:
    c = Canvas(width, height, (80, 78, 143))
    c.wash(band(0.09, 0.6), (112, 92, 139))
    c.wash(band(0.18, 0.6), (148, 111, 134))
    c.wash(band(0.28, 0.6), (188, 133, 132))
    c.wash(band(0.38, 0.6), (218, 154, 128))
    c.blob(0.60, 0.45, 0.15, (246, 190, 142))
    c.stroke([(0.03, 0.13), (0.18, 0.105), (0.36, 0.13)], (196, 126, 134), width=0.045)
    c.stroke([(0.12, 0.165), (0.26, 0.16)], (200, 130, 134), width=0.03)
    c.stroke([(0.68, 0.10), (0.82, 0.08), (0.97, 0.10)], (196, 122, 134), width=0.04)
    c.stroke([(0.78, 0.24), (0.94, 0.23)], (214, 138, 132), width=0.03)
    c.blob(0.60, 0.46, 0.046, (255, 236, 198))
    c.wash([(-0.1, 0.57), (0.0, 0.48), (0.13, 0.41), (0.28, 0.47), (0.48, 0.57)], (146, 94, 72))
    c.wash([(0.72, 0.57), (0.86, 0.49), (0.97, 0.45), (1.1, 0.5), (1.1, 0.57)], (140, 90, 70))
    c.wash(band(0.555, 1.05), (196, 134, 114))
    c.wash([(-0.05, 0.56), (0.42, 0.56), (0.26, 0.64), (0.12, 0.69), (-0.05, 0.63)], (144, 98, 92))
    c.wash([(0.76, 0.56), (1.05, 0.56), (1.05, 0.64), (0.95, 0.66)], (144, 98, 92))
    c.wash(band(0.71, 1.05), (174, 122, 122))
    c.wash(band(0.82, 1.05), (146, 104, 122))
    c.wash(band(0.92, 1.05), (120, 90, 122))
    for i in range(10):
        y, spread = 0.575 + 0.043 * i, 0.022 + 0.006 * i
        c.stroke([(0.60 - spread, y), (0.60 + spread, y)], (252, 204, 152), width=0.024)
    return c


def _autumn(width: int, height: int) -> Canvas:
    c = Canvas(width, height, (172, 194, 218))
    c.wash(band(0.15, 0.6), (188, 204, 222))
    c.wash(band(0.30, 0.6), (202, 213, 223))
    _cloud(c, 0.60, 0.14, 0.20, (231, 233, 235), (208, 215, 223))
    c.stroke([(0.04, 0.10), (0.16, 0.09)], (228, 231, 234), width=0.045)
    c.wash([(-0.1, 0.50), (0.08, 0.41), (0.23, 0.28), (0.36, 0.38), (0.54, 0.50)], (150, 148, 148))
    c.wash([(0.23, 0.28), (0.27, 0.40), (0.33, 0.50), (0.54, 0.50), (0.36, 0.38)], (178, 176, 174))
    c.wash([(0.46, 0.50), (0.60, 0.42), (0.73, 0.33), (0.88, 0.42), (1.1, 0.50)], (166, 164, 164))
    c.wash(band(0.495, 1.05), (164, 100, 44))
    c.stroke([(-0.02, 0.51), (0.34, 0.505), (0.64, 0.515), (1.02, 0.505)], (160, 118, 84), width=0.045)
    c.stroke([(0.34, 0.60), (0.54, 0.585), (0.72, 0.60)], (140, 82, 36), width=0.06)
    c.stroke([(0.36, 0.74), (0.56, 0.72), (0.74, 0.75)], (178, 128, 64), width=0.05)
    c.stroke([(0.40, 0.87), (0.62, 0.85), (0.76, 0.88)], (138, 84, 36), width=0.06)
    c.stroke([(0.02, 0.93), (0.24, 0.91), (0.44, 0.95)], (182, 136, 64), width=0.06)
    _conifer(c, 0.13, 0.84, 0.44, (44, 55, 40))
    _conifer(c, 0.26, 0.80, 0.30, (48, 60, 44))
    _conifer(c, 0.86, 0.86, 0.48, (44, 55, 40))
    return c


def _desert(width: int, height: int) -> Canvas:
    c = Canvas(width, height, (97, 154, 212))
    c.wash(band(0.14, 0.6), (126, 170, 216))
    c.wash(band(0.27, 0.6), (152, 184, 220))
    c.wash(band(0.40, 0.6), (176, 196, 223))
    c.stroke([(0.52, 0.17), (0.66, 0.15), (0.82, 0.16)], (222, 229, 237), width=0.04)
    c.stroke([(0.60, 0.195), (0.74, 0.195)], (214, 223, 234), width=0.025)
    left = [(0.05, 0.60), (0.09, 0.50), (0.11, 0.38), (0.24, 0.36), (0.40, 0.38), (0.43, 0.48), (0.48, 0.60)]
    c.wash(left, (186, 118, 86))
    c.wash([(0.32, 0.375), (0.40, 0.38), (0.43, 0.48), (0.48, 0.60), (0.35, 0.60)], (112, 78, 70))
    c.wash([(0.66, 0.60), (0.69, 0.47), (0.77, 0.45), (0.87, 0.46), (0.91, 0.60)], (184, 122, 92))
    c.wash([(0.82, 0.46), (0.87, 0.46), (0.91, 0.60), (0.83, 0.60)], (118, 84, 74))
    c.wash(band(0.575, 1.05), (188, 140, 92))
    c.stroke([(-0.02, 0.60), (0.40, 0.595), (1.02, 0.60)], (184, 138, 100), width=0.035)
    c.stroke([(0.04, 0.72), (0.30, 0.69), (0.56, 0.71)], (146, 108, 72), width=0.045)
    c.stroke([(0.48, 0.82), (0.74, 0.79), (1.02, 0.82)], (150, 110, 72), width=0.05)
    c.stroke([(0.56, 0.69), (0.78, 0.67), (1.0, 0.69)], (220, 168, 112), width=0.04)
    c.stroke([(0.0, 0.91), (0.22, 0.88), (0.46, 0.92)], (222, 170, 112), width=0.055)
    return c


def _night(width: int, height: int) -> Canvas:
    c = Canvas(width, height, (16, 23, 58))
    c.wash(band(0.12, 0.66), (28, 38, 77))
    c.wash(band(0.24, 0.66), (40, 53, 96))
    c.wash(band(0.40, 0.66), (50, 67, 114))
    c.blob(0.34, 0.20, 0.115, (58, 70, 112))
    c.blob(0.34, 0.20, 0.052, (240, 241, 238))
    stars = ((0.10, 0.08), (0.58, 0.06), (0.72, 0.20), (0.88, 0.10), (0.53, 0.27), (0.12, 0.30), (0.93, 0.30))
    for x, y in stars:
        c.blob(x, y, 0.006, (170, 180, 206))
    c.wash([(0.42, 0.63), (0.58, 0.49), (0.72, 0.33), (0.84, 0.46), (1.1, 0.60), (1.1, 0.63)], (30, 42, 72))
    c.wash([(0.72, 0.33), (0.67, 0.42), (0.71, 0.41), (0.73, 0.45), (0.77, 0.40)], (86, 102, 142), wobble=0.004)
    c.wash([(-0.1, 0.63), (0.04, 0.52), (0.14, 0.45), (0.28, 0.55), (0.44, 0.63)], (34, 48, 80))
    c.wash(band(0.615, 1.05), (38, 54, 98))
    c.stroke([(0.0, 0.62), (0.5, 0.615), (1.0, 0.62)], (26, 38, 62), width=0.03)
    c.wash([(0.48, 0.64), (1.02, 0.64), (0.86, 0.74), (0.72, 0.84), (0.62, 0.74)], (28, 41, 78))
    c.wash(band(0.88, 1.05), (32, 45, 86))
    for i in range(9):
        y = 0.655 + 0.040 * i
        c.stroke([(0.34 - 0.032, y), (0.34 + 0.032, y)], (128, 146, 188), width=0.02)
    return c


_PAINTERS: dict[str, Callable[[int, int], Canvas]] = {
    "alpine": _alpine,
    "lake": _lake,
    "sunset": _sunset,
    "autumn": _autumn,
    "desert": _desert,
    "night": _night,
}
