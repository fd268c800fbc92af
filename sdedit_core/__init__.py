"""SDEdit core: torch in, torch out, no host needed.

from sdedit_core import load_image, load_score_model, save_image, sdedit
model = load_score_model("landscape")
result = sdedit(model, load_image("strokes.png"), t0=0.27, steps=20)
save_image(result.samples, "picture.png")
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
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

# Where each name lives: modules are loaded when a name is asked for, so that `sdedit --version` needs no torch.
_HOMES = {
    "SOLVERS": ".sampling.solvers",
    "VESDE": ".sde",
    "VPSDE": ".sde",
    "ContinuousVPSDE": ".sde",
    "EditResult": ".edit",
    "ModelInfo": ".model",
    "NoisedState": ".edit",
    "Probe": ".measure.probe",
    "ScoreModel": ".model",
    "Sweep": ".measure.sweep",
    "load_image": ".pictures.io",
    "load_score_model": ".load",
    "perturb": ".edit",
    "probe": ".measure.probe",
    "reverse": ".edit",
    "save_image": ".pictures.io",
    "score_model_from_images": ".load",
    "sdedit": ".edit",
    "sweep": ".measure.sweep",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value = getattr(import_module(_HOMES[name], __name__), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
