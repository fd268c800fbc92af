"""SDEdit core: torch in, torch out, no host needed.

from sdedit_core import load_image, load_score_model, save_image, sdedit
model = load_score_model("landscape-alpine")
result = sdedit(model, load_image("strokes.png"), t0=0.4, steps=20)
save_image(result.samples, "picture.png")
"""

from .edit import EditResult, NoisedState, perturb, reverse, sdedit
from .load import load_score_model, score_model_from_images
from .measure.probe import Probe, probe
from .measure.sweep import Sweep, sweep
from .model import ModelInfo, ScoreModel
from .pictures.io import load_image, save_image
from .sampling.solvers import SOLVERS
from .sde import VESDE, VPSDE, ContinuousVPSDE

__version__ = "0.1.0"

__all__ = [
    "SOLVERS",
    "VESDE",
    "VPSDE",
    "ContinuousVPSDE",
    "EditResult",
    "ModelInfo",
    "NoisedState",
    "Probe",
    "ScoreModel",
    "Sweep",
    "load_image",
    "load_score_model",
    "perturb",
    "probe",
    "reverse",
    "save_image",
    "score_model_from_images",
    "sdedit",
    "sweep",
]
