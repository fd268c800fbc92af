"""What nodes say about themselves to ComfyUI: shared inputs, an edit's options as widgets, outputs as rows."""

from __future__ import annotations

import math

import torch

from ..sdedit_core.sampling.options import OPTIONS, T0, UNIT, Option
from ..sdedit_core.sampling.solvers import get_solver


class Node:
    """Base of all nodes: the outputs, rows of (type, name, tooltip), in the three lists that ComfyUI reads."""

    CATEGORY = "SDEdit"
    OUTPUTS: tuple[tuple[str, str, str], ...] = ()

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if cls.OUTPUTS:
            cls.RETURN_TYPES, cls.RETURN_NAMES, cls.OUTPUT_TOOLTIPS = zip(*cls.OUTPUTS, strict=True)


class SolverNode(Node):
    """A node with a solver, which may be saved under an older name that ComfyUI's own check of lists does not know."""

    @classmethod
    def VALIDATE_INPUTS(cls, solver: str = "auto") -> bool | str:
        try:
            return bool(get_solver(solver))
        except ValueError as problem:
            return str(problem)


def socket(kind: str, tooltip: str) -> tuple:
    """An input that is connected and not typed in."""
    return (kind, {"tooltip": tooltip})


def integer(default: int, low: int, high: int, tooltip: str, **more: object) -> tuple:
    """A whole number as an input."""
    return ("INT", {"default": default, "min": low, "max": high, "tooltip": tooltip, **more})


def decimal(default: float, low: float, high: float, tooltip: str, **more: object) -> tuple:
    """A number as an input; ``step`` is needed, the front end shows one decimal otherwise."""
    return ("FLOAT", {"default": default, "min": low, "max": high, "tooltip": tooltip, **more})


def choice(names: list, tooltip: str, **more: object) -> tuple:
    """One of several names as an input."""
    return (names, {"tooltip": tooltip, **more})


def switch(default: bool, tooltip: str, **more: object) -> tuple:
    """On or off as an input."""
    return ("BOOLEAN", {"default": default, "tooltip": tooltip, **more})


def widget(option: Option, **changes: object) -> tuple:
    """An option of an edit as an input of a node; ``changes`` replace what the record says of it."""
    what = {"default": option.default, "tooltip": option.words} | ({"advanced": True} if option.advanced else {})
    if option.choices:
        return (list(option.choices), what | changes)
    what |= {"min": option.low, "max": option.high}
    if isinstance(option.default, int):
        return ("INT", what | changes)
    return ("FLOAT", what | {"step": option.step, "round": option.step / 10.0, "display": "slider"} | changes)


def knob(name: str, **changes: object) -> dict:
    """{name: input} of one of ``OPTIONS``; the seed with its control."""
    control = {"control_after_generate": True} if name == "seed" else {}
    return {name: widget(OPTIONS[name], **control, **changes)}


def knobs(*but: str) -> dict:
    """Inputs of all ``OPTIONS`` except those named: what is added to the record appears by itself."""
    return {key: value for name in OPTIONS if name not in but for key, value in knob(name).items()}


def seed(tooltip: str) -> tuple:
    """A seed input with words of its own."""
    return knob("seed", tooltip=tooltip)["seed"]


T0_INPUT = widget(T0)
UNIT_INPUT = widget(UNIT)
MASK = socket(
    "MASK",
    "Where the picture may change: 1 (white) = change, 0 = keep, bit for bit. Any size; it is resized "
    "to the latent. Without it, a noise mask of the latent counts.",
)
PROMPT = {
    "positive": socket(
        "CONDITIONING",
        "What the picture should show: from CLIP Text Encode, which text models need. Leave it open for score models.",
    ),
    "negative": socket("CONDITIONING", "What it should not show. Only used when cfg is not 1."),
    "cfg": (
        "FLOAT",
        {
            "default": 1.0,
            "min": 0.0,
            "max": 100.0,
            "step": 0.1,
            "round": 0.01,
            "tooltip": "Strength of the prompt. 1 = off (score models, Flux); 4 to 8 is usual for SD and SDXL and "
            "needs negative.",
        },
    ),
}


def is_plain(value: object) -> bool:
    """Whether it is a tensor of real numbers that lie in memory one by one: what every input of pictures should be."""
    if not isinstance(value, torch.Tensor) or value.is_nested or value.is_quantized or value.is_meta:
        return False
    return value.layout is torch.strided and not value.is_complex()


def check_number(value: float, name: str, low: float, high: float) -> float:
    """A finite number in [low, high]; ValueError that names the input otherwise."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not -math.inf < value < math.inf:
        raise ValueError(f"{name} must be a number from {low:g} to {high:g}, got {value!r}.")
    if not low <= value <= high:
        raise ValueError(f"{name} must lie between {low:g} and {high:g}, got {str(value)[:20]}.")
    return float(value)


def find_conditioning(model: object, positive: list | None, negative: list | None, cfg: float) -> tuple:
    """Conditioning for the guider; score models make their own, text models must be given one."""
    from . import host

    _check_conditioning(positive, "positive")
    _check_conditioning(negative, "negative")
    if host.score_model_of(model) is not None:
        if any("control" in pair[1] for given in (positive, negative) for pair in given or []):
            raise ValueError(
                "A score model cannot follow a ControlNet: leave positive and negative unconnected, or connect the "
                "empty conditioning of its loader directly."
            )
        positive = positive or host.empty_conditioning(model.model.class_label)
        return positive, negative or host.empty_conditioning(model.model.class_label)
    if not positive:
        raise ValueError(
            "This MODEL is made for text: connect positive from a CLIP Text Encode with this model's CLIP; an empty "
            "prompt will do. Only score models work without."
        )
    if cfg == 1.0 and _without_text(negative):
        negative = None  # not asked at all
    for given, name in ((positive, "positive"), (negative, "negative")):
        if _without_text(given):
            raise ValueError(
                f"{name} is the empty conditioning of a score model, and this MODEL is made for text. Connect CLIP "
                f"Text Encode with this model's CLIP to {name} instead; an empty prompt will do."
            )
    if not negative and cfg != 1.0:
        raise ValueError(f"cfg is {cfg:g} but negative is not connected. Connect it, or set cfg to 1.")
    return positive, negative


def _check_conditioning(given: object, name: str) -> None:
    pairs = given if isinstance(given, list | tuple) else [] if given is None else [given]
    if not all(isinstance(pair, list | tuple) and len(pair) > 1 and isinstance(pair[1], dict) for pair in pairs):
        raise ValueError(f"{name} must be a CONDITIONING, got {type(given).__name__}. Connect CLIP Text Encode.")


def _without_text(given: list | None) -> bool:
    return bool(given) and any(pair[0] is None for pair in given)
