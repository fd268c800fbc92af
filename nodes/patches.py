"""Model patches and prompts that were made for another kind of model: a sentence instead of the host's own error."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def explained(options: dict, score_model: object | None) -> Iterator[None]:
    """Around a run in the host: ``options`` are the MODEL's, ``score_model`` what it is made of, None for text models.

    Raises ValueError for what a patch cannot do on a score model, and for a prompt of another text model.
    """
    try:
        yield
    except (ArithmeticError, AssertionError, AttributeError, LookupError, RuntimeError, TypeError) as problem:
        names = patch_names(options) if score_model is not None else []
        if names and "out of memory" not in str(problem):
            raise ValueError(
                f"A score model cannot work with {' and '.join(names)}, made for networks of another kind "
                f"({type(problem).__name__}: {problem}). Take that node out between the MODEL and this one."
            ) from problem
        if score_model is None and "shapes cannot be multiplied" in str(problem):
            raise ValueError(
                "The prompt does not fit this MODEL: its text comes from another model's CLIP. Connect CLIP Text "
                "Encode with the CLIP that was loaded together with this MODEL."
            ) from problem
        raise


def idle_patches(options: dict, score_model: object | None) -> list[str]:
    """A note on patches of attention and blocks put on a score model, whose network never calls them."""
    inner = options.get("transformer_options", {})
    names = patch_names({key: inner.get(key) for key in ("patches", "patches_replace")})
    if score_model is None or not names:
        return []
    return [f"{' and '.join(names)}: no effect, a score model has none of the blocks or attention that this changes."]


def idle_text(positive: list | None, negative: list | None, score_model: object | None) -> list[str]:
    """A note on a prompt that was connected although nobody reads it."""
    read = score_model is None or not any(pair[0] is not None for given in (positive, negative) for pair in given or [])
    return [] if read else ["The prompt has no effect: a score model does not read text."]


def patch_names(options: dict) -> list[str]:
    """Names of the nodes whose functions stand in a MODEL's options, as far as the functions tell; not our own."""
    found, waiting = set(), [options]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            waiting += value.values()
        elif isinstance(value, list | tuple | set):
            waiting += value
        elif callable(value) and not isinstance(value, type) and not _is_ours(value):
            found.add(getattr(value, "__qualname__", type(value).__qualname__).split(".")[0])
    return sorted(found)


def _is_ours(function: object) -> bool:
    return (getattr(function, "__module__", "") or "").startswith(__package__)
