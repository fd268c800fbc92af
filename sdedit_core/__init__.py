"""SDEdit core: torch in, torch out, no host needed.

from sdedit_core import load_score_model, sdedit
model = load_score_model("landscape-alpine")
result = sdedit(model, guide, t0=0.4, steps=20)
"""

from .edit import EditResult, NoisedState, perturb, sdedit
from .loading import load_score_model
from .score_model import ModelInfo, ScoreModel
from .sde import VESDE, VPSDE, ContinuousVPSDE, FlowSDE
from .solvers import SOLVERS

__version__ = "0.1.0"

__all__ = [
    "SOLVERS",
    "VESDE",
    "VPSDE",
    "ContinuousVPSDE",
    "EditResult",
    "FlowSDE",
    "ModelInfo",
    "NoisedState",
    "ScoreModel",
    "load_score_model",
    "perturb",
    "sdedit",
]
