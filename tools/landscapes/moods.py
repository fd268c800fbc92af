"""Six moods: a coherent palette each, a layout that varies with the seed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from .noise import NoiseSource
from .parameters import Conifer, Peak, Scene

MOODS: tuple[str, ...] = ("alpine", "lake", "sunset", "autumn", "desert", "night")


class Dice(Protocol):
    """Where a mood's random numbers come from."""

    def uniform(self, low: float, high: float) -> float:
        """One number between low and high."""


def mood_scene(mood: str, seed: int, *, source: Dice | None = None) -> Scene:
    """The scene of a mood for a seed. Colours stay near the mood's palette, places vary widely.

    Args:
        source: numbers for the layout from elsewhere than the seed, which then decides relief and clouds only.

    Raises:
        ValueError: an unknown mood.
    """
    return _MAKERS[check_mood(mood)](seed, source or NoiseSource(7919 * (MOODS.index(mood) + 1) + seed))


def check_mood(mood: str) -> str:
    """The mood itself, or ValueError when there is none of that name."""
    if mood not in MOODS:
        raise ValueError(f"Unknown mood {mood!r}; expected one of {', '.join(MOODS)}.")
    return mood


def _trees(noise: Dice, count: int, low: float, high: float, camera: float) -> tuple[Conifer, ...]:
    """Conifers that keep away from the middle."""
    out = []
    for _ in range(count):
        side = 1.0 if noise.uniform(0, 1) < 0.5 else -1.0
        z = noise.uniform(1.3, 2.6)
        out.append(Conifer(side * noise.uniform(0.22, 0.62), z, noise.uniform(low, high) * 1.8 / z))
    return tuple(out)


def _alpine(seed: int, n: Dice) -> Scene:
    main = n.uniform(-0.38, 0.38)
    peaks = [Peak(main, n.uniform(0.40, 0.56), n.uniform(0.42, 0.62), n.uniform(2.7, 3.1))]
    for _ in range(1 + int(n.uniform(0, 2.99))):
        peaks.append(Peak(n.uniform(-0.7, 0.7), n.uniform(0.18, 0.34), n.uniform(0.3, 0.5), n.uniform(2.8, 3.4)))
    return Scene(
        seed=seed,
        horizon=n.uniform(0.57, 0.66),
        zenith=(0.17, 0.38, 0.74),
        haze=(0.60, 0.77, 0.93),
        sun=(1.02, 0.97, 0.88),
        ambient=(0.40, 0.49, 0.64),
        light=(-0.95 if n.uniform(0, 1) < 0.5 else 0.95, 0.75, -0.15),
        glow=0.05,
        glow_at=(0.5, 0.6),
        cloud_cover=n.uniform(0.15, 0.6),
        cloud_soft=n.uniform(0.5, 0.9),
        cloud_light=(1.0, 1.0, 1.0),
        cloud_dark=(0.62, 0.70, 0.82),
        grass=(0.34, 0.40, 0.14),
        forest=(0.09, 0.15, 0.07),
        rock=(0.42, 0.42, 0.43),
        patch_colour=(0.20, 0.27, 0.10),
        patches=0.6,
        near_relief=n.uniform(0.0, 0.03),
        far_relief=0.05,
        far_start=n.uniform(1.6, 2.2),
        peaks=tuple(peaks),
        snow_line=n.uniform(0.95, 1.4),
        rock_altitude=0.42,
        rock_from=0.80,
        forest_cover=n.uniform(0.25, 0.62),
        forest_top=0.42,
        haze_distance=n.uniform(55, 90),
        conifers=_trees(n, int(n.uniform(0, 5)), 0.28, 0.45, 0.7) if n.uniform(0, 1) < 0.5 else (),
    )


def _lake(seed: int, n: Dice) -> Scene:
    peaks = [Peak(n.uniform(-0.45, 0.45), n.uniform(0.26, 0.42), n.uniform(0.36, 0.56), n.uniform(2.9, 3.2))]
    for _ in range(1 + int(n.uniform(0, 2.99))):
        peaks.append(Peak(n.uniform(-0.7, 0.7), n.uniform(0.14, 0.26), n.uniform(0.3, 0.5), n.uniform(3.0, 3.4)))
    return Scene(
        seed=seed,
        horizon=n.uniform(0.49, 0.57),
        zenith=(0.20, 0.41, 0.76),
        haze=(0.62, 0.78, 0.93),
        sun=(1.02, 0.95, 0.86),
        ambient=(0.40, 0.49, 0.64),
        light=(-0.95 if n.uniform(0, 1) < 0.5 else 0.95, 0.7, -0.15),
        glow=0.05,
        glow_at=(0.5, 0.6),
        cloud_cover=n.uniform(0.10, 0.5),
        cloud_soft=n.uniform(0.5, 0.9),
        cloud_light=(1.0, 1.0, 1.0),
        cloud_dark=(0.62, 0.70, 0.82),
        grass=(0.30, 0.36, 0.14),
        forest=(0.09, 0.15, 0.07),
        rock=(0.42, 0.42, 0.43),
        sand=(0.50, 0.46, 0.38),
        near_relief=0.02,
        far_relief=n.uniform(0.04, 0.07),
        far_start=2.0,
        peaks=tuple(peaks),
        snow_line=n.uniform(0.9, 1.45),
        rock_altitude=0.55,
        rock_from=0.80,
        forest_cover=n.uniform(0.55, 0.8),
        forest_top=0.55,
        tree_height=0.05,
        water=0.15,
        water_near=-0.1 if n.uniform(0, 1) < 0.5 else -9.0,
        water_far=n.uniform(2.1, 2.5),
        water_colour=(0.10, 0.22, 0.38),
        ripples=n.uniform(0.4, 1.2),
        haze_distance=n.uniform(50, 80),
    )


def _sunset(seed: int, n: Dice) -> Scene:
    sun_u = n.uniform(-0.4, 0.4)
    sun_v = n.uniform(0.03, 0.16)
    peaks = [
        Peak(n.uniform(-0.75, 0.75), n.uniform(0.10, 0.24), n.uniform(0.3, 0.55), n.uniform(2.9, 3.3)) for _ in range(2)
    ]
    return Scene(
        seed=seed,
        horizon=n.uniform(0.53, 0.60),
        zenith=(0.13, 0.16, 0.40),
        haze=(0.98, 0.52, 0.24),
        sun=(1.1, 0.62, 0.30),
        ambient=(0.28, 0.22, 0.34),
        light=(sun_u * 2, 0.35, 0.5),
        sky_power=0.62,
        disc=(sun_u, sun_v, n.uniform(0.035, 0.05)),
        disc_colour=(1.5, 1.25, 0.85),
        glow=0.7,
        glow_at=(sun_u, sun_v),
        cloud_cover=n.uniform(0.15, 0.5),
        cloud_soft=1.0,
        cloud_streak=n.uniform(0.5, 1.0),
        cloud_light=(0.95, 0.45, 0.33),
        cloud_dark=(0.34, 0.20, 0.36),
        cloud_opacity=0.85,
        grass=(0.20, 0.17, 0.12),
        forest=(0.10, 0.10, 0.09),
        rock=(0.26, 0.22, 0.24),
        sand=(0.3, 0.24, 0.2),
        near_relief=0.02,
        far_relief=n.uniform(0.02, 0.05),
        far_start=2.4,
        peaks=tuple(peaks),
        rock_altitude=0.3,
        forest_cover=0.3,
        water=0.2,
        water_near=-0.1 if n.uniform(0, 1) < 0.5 else -9.0,
        water_far=n.uniform(2.5, 2.9),
        water_colour=(0.16, 0.13, 0.26),
        ripples=n.uniform(0.8, 1.6),
        glitter=0.75,
        haze_distance=n.uniform(25, 40),
    )


def _autumn(seed: int, n: Dice) -> Scene:
    peaks = [
        Peak(n.uniform(-0.65, 0.65), n.uniform(0.14, 0.32), n.uniform(0.3, 0.5), n.uniform(2.9, 3.3))
        for _ in range(2 + int(n.uniform(0, 1.99)))
    ]
    return Scene(
        seed=seed,
        horizon=n.uniform(0.47, 0.56),
        zenith=(0.42, 0.55, 0.72),
        haze=(0.80, 0.82, 0.82),
        sun=(0.95, 0.84, 0.66),
        ambient=(0.46, 0.48, 0.52),
        light=(-0.9 if n.uniform(0, 1) < 0.5 else 0.9, 0.7, -0.1),
        glow=0.1,
        glow_at=(0.5, 0.4),
        cloud_cover=n.uniform(0.4, 0.8),
        cloud_soft=1.0,
        cloud_light=(0.96, 0.95, 0.93),
        cloud_dark=(0.66, 0.69, 0.74),
        grass=(0.50, 0.37, 0.13),
        forest=(0.42, 0.19, 0.06),
        rock=(0.42, 0.41, 0.42),
        patch_colour=(0.42, 0.20, 0.06),
        patches=0.7,
        near_relief=n.uniform(0.01, 0.05),
        far_relief=0.06,
        far_start=n.uniform(1.2, 1.8),
        peaks=tuple(peaks),
        rock_altitude=0.55,
        rock_from=0.80,
        forest_cover=n.uniform(0.5, 0.75),
        forest_top=0.6,
        tree_height=0.06,
        haze_distance=n.uniform(35, 60),
        conifers=_trees(n, 3 + int(n.uniform(0, 4)), 0.30, 0.55, 0.7),
    )


def _desert(seed: int, n: Dice) -> Scene:
    peaks = [
        Peak(n.uniform(-0.6, 0.6), n.uniform(0.16, 0.34), n.uniform(0.2, 0.45), n.uniform(2.6, 3.2), 1.0)
        for _ in range(2 + int(n.uniform(0, 1.99)))
    ]
    return Scene(
        seed=seed,
        horizon=n.uniform(0.52, 0.60),
        zenith=(0.20, 0.40, 0.70),
        haze=(0.74, 0.80, 0.86),
        sun=(1.08, 0.94, 0.76),
        ambient=(0.42, 0.42, 0.50),
        light=(-0.95 if n.uniform(0, 1) < 0.5 else 0.95, 0.6, -0.15),
        glow=0.06,
        glow_at=(0.5, 0.5),
        cloud_cover=n.uniform(0.0, 0.4),
        cloud_soft=1.2,
        cloud_streak=0.6,
        cloud_light=(1.0, 0.98, 0.95),
        cloud_dark=(0.75, 0.76, 0.82),
        grass=(0.74, 0.50, 0.28),
        forest=(0.30, 0.28, 0.14),
        rock=(0.60, 0.30, 0.17),
        sand=(0.8, 0.6, 0.4),
        patch_colour=(0.62, 0.36, 0.18),
        patches=0.6,
        near_relief=0.01,
        far_relief=0.03,
        far_start=2.2,
        dunes=n.uniform(0.0, 0.06),
        peaks=tuple(peaks),
        peak_rough=0.35,
        strata=0.10,
        rock_altitude=0.35,
        rock_from=0.75,
        forest_cover=0.0,
        haze_distance=n.uniform(60, 90),
    )


def _night(seed: int, n: Dice) -> Scene:
    moon = (n.uniform(-0.45, 0.45), n.uniform(0.26, 0.5), n.uniform(0.045, 0.06))
    peaks = [
        Peak(n.uniform(-0.7, 0.7), n.uniform(0.12, 0.34), n.uniform(0.3, 0.55), n.uniform(2.8, 3.3))
        for _ in range(2 + int(n.uniform(0, 1.99)))
    ]
    return Scene(
        seed=seed,
        horizon=n.uniform(0.55, 0.64),
        zenith=(0.022, 0.034, 0.11),
        haze=(0.13, 0.19, 0.36),
        sun=(0.60, 0.68, 0.88),
        ambient=(0.09, 0.12, 0.22),
        light=(moon[0] * 2, 0.5, 0.2),
        disc=moon,
        disc_colour=(1.0, 1.0, 0.96),
        glow=0.28,
        glow_at=moon[:2],
        stars=260,
        cloud_cover=n.uniform(0.0, 0.4),
        cloud_soft=1.3,
        cloud_streak=0.7,
        cloud_light=(0.16, 0.20, 0.32),
        cloud_dark=(0.05, 0.07, 0.14),
        cloud_opacity=0.7,
        grass=(0.16, 0.22, 0.16),
        forest=(0.06, 0.10, 0.08),
        rock=(0.26, 0.28, 0.34),
        sand=(0.25, 0.25, 0.28),
        near_relief=0.02,
        far_relief=n.uniform(0.03, 0.06),
        far_start=2.2,
        peaks=tuple(peaks),
        rock_altitude=0.5,
        snow_line=n.uniform(1.0, 1.6),
        forest_cover=0.6,
        tree_height=0.05,
        water=0.2,
        water_near=-0.1 if n.uniform(0, 1) < 0.5 else -9.0,
        water_far=n.uniform(2.2, 2.7),
        water_colour=(0.02, 0.04, 0.11),
        ripples=n.uniform(0.5, 1.2),
        glitter=0.6,
        haze_distance=n.uniform(25, 45),
    )


_MAKERS: dict[str, Callable[[int, Dice], Scene]] = {
    "alpine": _alpine,
    "lake": _lake,
    "sunset": _sunset,
    "autumn": _autumn,
    "desert": _desert,
    "night": _night,
}
