"""The nodes. Thin: sockets and words here, the method in ``sdedit_core``, ComfyUI itself in ``host``."""

import importlib.util

from .canvas import StrokeCanvas
from .compare import EditReport, SimulateStrokes
from .fit import FitImage, UnfitImage
from .guide import ExampleGuide
from .interop import ReverseSDE, SigmasFromT0
from .loader import ScoreModelFromImages, ScoreModelLoader
from .noise import AddVENoise
from .sampler import ReverseSDESampler
from .t0 import T0Probe, T0Sweep

_NODES = (
    ScoreModelLoader,
    AddVENoise,
    ReverseSDESampler,
    ScoreModelFromImages,
    ExampleGuide,
    StrokeCanvas,
    SigmasFromT0,
    ReverseSDE,
    FitImage,
    UnfitImage,
    T0Probe,
    T0Sweep,
    EditReport,
    SimulateStrokes,
)

NODE_CLASS_MAPPINGS = {node.ID: node for node in _NODES}
NODE_DISPLAY_NAME_MAPPINGS = {node.ID: node.NAME for node in _NODES}

if importlib.util.find_spec("folder_paths") is not None:  # absent when the nodes are imported without a host
    from . import host

    host.register_model_folder()

__all__ = ["NODE_CLASS_MAPPINGS", "NODE_DISPLAY_NAME_MAPPINGS"]
