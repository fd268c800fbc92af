"""SDEdit core: torch in, torch out, no host needed.

from sdedit_core import load_score_model, sdedit
model = load_score_model("landscape-alpine")
result = sdedit(model, guide, t0=0.4, steps=20)
"""

from .edit import EditResult, NoisedState, perturb, sdedit
from .load import load_score_model
from .model import ModelInfo, ScoreModel
from .sampling.solvers import SOLVERS
from .sde import VESDE, VPSDE, ContinuousVPSDE, FlowSDE

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
