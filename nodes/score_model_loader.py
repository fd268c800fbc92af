"""Score Model Loader: built-in models, and files in models/score_models."""

from __future__ import annotations

import importlib.util
import os

from ..sdedit_core.sde import short, whole_number
from .loaded import OUTPUTS, loaded
from .schema import Node, check_number, choice, decimal, integer

_AUTO = "auto"
_RANGES = {"0 to 1": (0.0, 1.0), "-1 to 1": (-1.0, 1.0)}
_DTYPES = ["auto", "fp32", "fp16", "bf16"]


def _model_names() -> list[str]:
    from ..sdedit_core.load import builtin_names

    names = builtin_names()
    if importlib.util.find_spec("folder_paths") is not None:
        from . import host

        names += [name for name in host.list_model_files() if name not in names]
    return names


class ScoreModelLoader(Node):
    ID = "SDEdit_ScoreModelLoader"
    NAME = "Score Model Loader"
    FUNCTION = "load"
    OUTPUTS = OUTPUTS
    DESCRIPTION = (
        "Loads a score model as an ordinary MODEL with its pixel VAE. The landscape models are built in and need no "
        "download; your own NCSN++, DDPM, guided-diffusion or diffusers files go into models/score_models."
    )
    SEARCH_ALIASES = [
        "sdedit", "score sde", "ncsn", "ddpm", "load diffusion model", "pixel model", "guided diffusion",
        "consistency model",
    ]  # fmt: skip

    @classmethod
    def INPUT_TYPES(cls) -> dict:
        from ..sdedit_core.builtin import ALL, PALETTE_FREEDOM
        from ..sdedit_core.checkpoints.overrides import Overrides

        names = _model_names()
        return {
            "required": {
                "model_name": choice(
                    names,
                    "A built-in model, or a file or diffusers folder in models/score_models. landscape knows all six "
                    "moods and takes the one of your painting. Built-in ones: start with t0 0.25 to 0.3; info says it "
                    "for each.",
                    default=ALL,
                ),
                "weights": choice(
                    ["ema", "raw"],
                    "Training files often hold two sets of weights. The averaged set (ema) makes the "
                    "better pictures; raw is the last training step.",
                    default="ema",
                    advanced=True,
                ),
                "dtype": choice(
                    _DTYPES,
                    "Precision of the network. auto = fp32, which every device runs; fp16 and bf16 "
                    "halve the memory on a GPU. The picture itself always stays in fp32.",
                    default=_AUTO,
                    advanced=True,
                ),
            },
            "optional": {
                "image_size": integer(
                    0,
                    0,
                    4096,
                    "Size the model is for. 0 = what the file says; the built-in models then follow the size of your "
                    "picture.",
                    step=8,
                    advanced=True,
                ),
                "class_label": integer(
                    -1,
                    -1,
                    100000,
                    "Class number for class-conditional models such as ImageNet ones. -1 = none.",
                    advanced=True,
                ),
                "sde": choice(
                    [_AUTO, *Overrides.SDES],
                    "Which process the network was trained for. Change it only when the info text says it was assumed.",
                    default=_AUTO,
                    advanced=True,
                ),
                "sigma_min": decimal(
                    0.0,
                    0.0,
                    100.0,
                    "Smallest noise level of a VE model. 0 = what the file says.",
                    step=0.001,
                    round=0.0001,
                    advanced=True,
                ),
                "sigma_max": decimal(
                    0.0,
                    0.0,
                    100000.0,
                    "Largest noise level of a VE model, e.g. 348 for faces, 378 for bedrooms, 380 for churches. "
                    "0 = what the file says.",
                    step=1.0,
                    round=0.001,
                    advanced=True,
                ),
                "data_range": choice(
                    [_AUTO, *_RANGES],
                    "Values that the network calls black and white. auto = what the kind of model uses.",
                    default=_AUTO,
                    advanced=True,
                ),
                "num_heads": integer(
                    0,
                    0,
                    64,
                    "Attention heads of a guided-diffusion network, when the file cannot say. 0 = auto.",
                    advanced=True,
                ),
                "num_head_channels": integer(
                    0,
                    0,
                    512,
                    "Channels of one attention head of a guided-diffusion network, e.g. 64. 0 = auto.",
                    advanced=True,
                ),
                "attention_order": choice(
                    [_AUTO, "old", "new"],
                    "guided-diffusion option use_new_attention_order, which a file cannot say. auto = old.",
                    default=_AUTO,
                    advanced=True,
                ),
                "palette_freedom": decimal(
                    PALETTE_FREEDOM,
                    0.0,
                    0.5,
                    "How far the built-in models keep the colours and shapes of your painting. 0 = only their own: a "
                    "green sky turns blue. Checkpoint files do not use it.",
                    step=0.005,
                    round=0.001,
                    display="slider",
                ),
            },
        }

    @classmethod
    def IS_CHANGED(cls, model_name: str, **kwargs: object) -> str:
        from ..sdedit_core.load import builtin_names

        if model_name in builtin_names():
            return model_name
        from . import host

        status = os.stat(host.model_path(model_name))
        return f"{model_name} {status.st_mtime_ns} {status.st_size}"

    def load(
        self,
        model_name: str,
        weights: str,
        dtype: str,
        class_label: int = -1,
        image_size: int = 0,
        palette_freedom: float = 0.02,
        **options: object,
    ) -> tuple:
        from ..sdedit_core.load import builtin_names, load_score_model
        from . import host

        host.check_interrupt()
        overrides = _overrides(image_size=image_size, **options)
        label = whole("class_label", class_label)
        label = None if label < 0 else label
        if model_name in builtin_names():
            if set(overrides) - {"image_size"}:
                named = ", ".join(sorted(set(overrides) - {"image_size"}))
                raise ValueError(f"{model_name} is built in and knows its own {named}: leave that on auto or 0.")
            freedom = check_number(palette_freedom, "palette_freedom", 0.0, 0.5)
            model = load_score_model(model_name, palette_freedom=freedom, **overrides)
        else:
            model = load_score_model(host.model_path(model_name), weights=weights, dtype=dtype, **overrides)
        if label is not None and model.num_classes is None:
            raise ValueError(f"{model_name} has no classes: set class_label to -1.")
        if label is not None and label >= model.num_classes:
            raise ValueError(f"{model_name} has classes 0 to {model.num_classes - 1}, got class_label {label}.")
        return loaded(model, label)


def whole(name: str, value: object) -> int:
    """A whole number that came through a link, where ComfyUI checks nothing; ValueError that names the input."""
    given = whole_number(value, point=True)
    if given is None:
        raise ValueError(f"{name} must be a whole number, got {short(value)}.")
    return given


def _overrides(
    image_size: int = 0,
    sde: str = _AUTO,
    sigma_min: float = 0.0,
    sigma_max: float = 0.0,
    data_range: str = _AUTO,
    num_heads: int = 0,
    num_head_channels: int = 0,
    attention_order: str = _AUTO,
) -> dict:
    """Only what the user really set, in the words of ``load_score_model``."""
    given = {
        "image_size": whole("image_size", image_size) or None,
        "sde": None if sde == _AUTO else sde,
        "sigma_min": float(sigma_min) or None,
        "sigma_max": float(sigma_max) or None,
        "data_range": _RANGES.get(data_range),
        "num_heads": whole("num_heads", num_heads) or None,
        "num_head_channels": whole("num_head_channels", num_head_channels) or None,
        "use_new_attention_order": {"old": False, "new": True}.get(attention_order),
    }
    return {key: value for key, value in given.items() if value is not None}
