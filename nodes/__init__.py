"""The nodes. Thin: sockets and words here, the method in ``sdedit_core``, ComfyUI itself in ``host``."""

import importlib.util

from .add_ve_noise import AddVENoise
from .edit_report import EditReport
from .example_guide import ExampleGuide
from .fit_image import FitImage
from .reverse_sde import ReverseSDE
from .reverse_sde_sampler import ReverseSDESampler
from .score_model_from_images import ScoreModelFromImages
from .score_model_loader import ScoreModelLoader
from .sigmas_from_t0 import SigmasFromT0
from .simulate_strokes import SimulateStrokes
from .stroke_canvas import StrokeCanvas
from .t0_map import T0Map
from .t0_probe import T0Probe
from .t0_sweep import T0Sweep
from .unfit_image import UnfitImage

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
    T0Map,
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
    host.serve_examples(ExampleGuide.picture)

__all__ = ["NODE_CLASS_MAPPINGS", "NODE_DISPLAY_NAME_MAPPINGS"]
