"""Further references, of the model that knows all moods: what no mood prescribes and people paint all the time.

Suns anywhere, paths, rivers, ponds, houses, towers, single trees, red rock, snow fields, and evenings in yellow and
green.  A name begins with the mood whose references the picture goes with; "winter" has these only.
"""

from __future__ import annotations

from dataclasses import replace

from .moods import mood_scene
from .parameters import Conifer, House, Peak, Scene, Tree, Way

SNOW = {
    "grass": (0.86, 0.90, 0.97),
    "patch_colour": (0.80, 0.86, 0.96),
    "grain": 0.25,
    "near_relief": 0.008,
    "forest_cover": -1.0,
    "cloud_cover": 0.15,
}
WIDE = (Peak(-0.35, 0.30, 0.5, 3.0), Peak(0.35, 0.24, 0.45, 3.1))
FIRS = (Conifer(-0.42, 1.5, 0.62), Conifer(-0.25, 1.9, 0.42), Conifer(0.30, 1.4, 0.70), Conifer(0.46, 2.2, 0.34))
RED = {"rock": (0.62, 0.16, 0.10), "snow_line": 9.0}
STONE, BROWN, WHITE = (0.50, 0.48, 0.46), (0.45, 0.24, 0.13), (0.84, 0.82, 0.76)
LAMP = (1.15, 0.85, 0.35)


def _sun(u: float, v: float, radius: float = 0.06, glow: float = 0.3) -> dict:
    return {"disc": (u, v, radius), "disc_colour": (1.5, 1.4, 1.0), "glow_at": (u, v), "glow": glow}


def _winter() -> dict[str, Scene]:
    """Snow fields: a group of its own, or the calm snow would be taken for calm grass."""

    def scene(seed: int, **more) -> Scene:
        return replace(mood_scene("alpine", seed), **({"conifers": ()} | SNOW | more))

    pale = {"zenith": (0.36, 0.52, 0.76), "haze": (0.72, 0.82, 0.94)}
    white = (0.92, 0.94, 1.0)
    trodden = Way(0.0, half=0.13, colour=(0.66, 0.72, 0.84))
    return {
        "winter-cabin": scene(
            214, conifers=(Conifer(-0.30, 1.5, 0.70),), houses=(House(0.25, 1.7, 0.24, 0.55, wall=BROWN, roof=white),)
        ),
        "winter-hut": scene(
            231,
            **pale,
            forest_cover=-0.1,
            conifers=(Conifer(0.30, 1.5, 0.50), Conifer(0.46, 1.8, 0.36)),
            houses=(House(-0.25, 1.8, 0.24, wall=BROWN),),
        ),
        "winter-firs": scene(
            207,
            **pale,
            conifers=FIRS,
            peaks=WIDE,
            cloud_cover=0.3,
        ),
        "winter-path": scene(
            240,
            ways=(trodden,),
            houses=(House(0.30, 2.0, 0.22, wall=STONE, roof=(0.30, 0.18, 0.13)),),
            forest_cover=-0.1,
        ),
        "winter-pond": scene(
            216, **pale, peaks=WIDE, ways=(Way(0.1, start=1.5, half=0.5, length=0.25, water=True),), cloud_cover=0.2
        ),
        "winter-sun": scene(218, **_sun(-0.35, 0.42), conifers=(Conifer(0.35, 1.4, 0.6),)),
        "winter-evening": scene(
            223,
            **_sun(0.3, 0.14, 0.05, 0.5),
            zenith=(0.30, 0.34, 0.62),
            haze=(0.96, 0.74, 0.62),
            conifers=(Conifer(-0.42, 1.6, 0.55),),
            houses=(House(0.05, 1.9, 0.22, wall=BROWN, roof=white, window=LAMP),),
        ),
        "winter-wood": scene(
            226,
            **pale,
            forest_cover=0.3,
            peaks=WIDE,
            snow_line=9.0,
            trees=(Tree(-0.32, 1.5, 0.6, leaf=(0.10, 0.16, 0.09)),),
        ),
    }


def further_scenes() -> dict[str, Scene]:
    """File name without suffix -> scene."""
    a, l, s, f, d, n = (
        lambda seed, mood=mood, **more: replace(mood_scene(mood, seed), **more)
        for mood in ("alpine", "lake", "sunset", "autumn", "desert", "night")
    )
    path, river = Way(0.0, half=0.15), Way(0.05, half=0.26, bend=0.2, water=True, end=9.0)
    return _winter() | {
        "alpine-sun_path_house": a(
            205, **_sun(-0.4, 0.45), conifers=(), ways=(path,), houses=(House(0.32, 1.7, 0.23, wall=BROWN),)
        ),
        "alpine-tower_tree": a(
            210,
            conifers=(),
            houses=(House(0.25, 2.0, 0.15, tall=3.2, wall=STONE, roof=(0.30, 0.15, 0.10)),),
            trees=(Tree(-0.38, 1.7, 0.62),),
        ),
        "alpine-red_rock": a(
            222, **RED, horizon=0.64, conifers=(), peaks=(Peak(0.0, 0.60, 0.60, 2.9),), forest_cover=0.3
        ),
        "lake-tree": l(214, water_near=0.35, trees=(Tree(-0.36, 1.35, 0.95, wide=1.1),)),
        "lake-two_ponds": l(
            216,
            water=None,
            forest_cover=0.4,
            houses=(House(0.18, 2.2, 0.15),),
            ways=(
                Way(-0.22, start=2.6, half=0.42, length=0.2, water=True),
                Way(0.42, start=1.4, half=0.5, length=0.22, water=True),
            ),
        ),
        "lake-yellow_evening": l(
            218, zenith=(0.72, 0.50, 0.10), haze=(0.95, 0.82, 0.42), water_colour=(0.10, 0.34, 0.34), **_sun(0.35, 0.30)
        ),
        "sunset-high_sun": s(
            207, **_sun(0.2, 0.48, 0.055, 0.4), cloud_light=(1.0, 0.50, 0.62), zenith=(0.22, 0.16, 0.50)
        ),
        "sunset-green": s(
            211,
            zenith=(0.03, 0.28, 0.22),
            haze=(0.66, 0.78, 0.30),
            cloud_light=(0.7, 0.8, 0.4),
            cloud_dark=(0.1, 0.3, 0.25),
            water_colour=(0.05, 0.16, 0.16),
            **_sun(0.2, 0.07, 0.07, 0.4),
            sun=(0.9, 0.95, 0.45),
            ambient=(0.18, 0.28, 0.26),
        ),
        "autumn-river_house": f(206, conifers=(), ways=(river,), houses=(House(0.36, 1.9, 0.20, wall=WHITE),)),
        "autumn-path_tree": f(221, conifers=(), ways=(path,), trees=(Tree(-0.34, 1.5, 0.75, leaf=(0.50, 0.22, 0.04)),)),
        "desert-red_tower": d(
            215,
            **RED,
            **_sun(-0.4, 0.5),
            peaks=(Peak(0.1, 0.52, 0.22, 2.7, 1.0), Peak(0.5, 0.20, 0.3, 3.0, 1.0)),
            strata=0.06,
        ),
        "desert-path_house": d(
            224, ways=(replace(path, colour=(0.80, 0.68, 0.48)),), houses=(House(0.34, 1.9, 0.2, wall=WHITE),)
        ),
        "night-house": n(
            210,
            water=None,
            houses=(House(0.0, 1.9, 0.22, wall=(0.24, 0.18, 0.16), roof=(0.16, 0.10, 0.10), window=LAMP),),
        ),
        "night-tower_low_moon": n(
            212,
            disc=(-0.42, 0.14, 0.055),
            glow_at=(-0.42, 0.14),
            water=None,
            houses=(House(0.3, 2.4, 0.12, tall=3.0, wall=(0.24, 0.25, 0.32), roof=(0.12, 0.10, 0.14), window=LAMP),),
        ),
    }
