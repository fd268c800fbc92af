"""Procedural landscapes: explicit parameters in, photo-like picture out. Torch only, no data files."""

from .moods import MOODS, mood_scene
from .parameters import Conifer, Peak, Scene
from .render import render, render_batch

__all__ = ["MOODS", "Conifer", "Peak", "Scene", "mood_scene", "render", "render_batch"]
