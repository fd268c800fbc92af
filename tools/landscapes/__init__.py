"""Procedural landscapes: explicit parameters in, photo-like picture out.  Only torch and numbers, no data files.

The pack ships pictures of it, not the renderer: the references of the built-in models and the photos of the examples.
A folder of varied landscapes is something to train on that is nobody's photographs.
"""

from .make import main
from .moods import MOODS, mood_scene
from .parameters import Conifer, Peak, Scene
from .render import render
from .variety import varied_scene

__all__ = ["MOODS", "Conifer", "Peak", "Scene", "main", "mood_scene", "render", "varied_scene"]
