"""What the user says about a checkpoint, because its file cannot."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

from ..sde import listed, short

if TYPE_CHECKING:
    from .found import Found


@dataclass(frozen=True)
class Overrides:
    """What a file cannot say; None means "detect or assume".

    Attributes:
        sde: "ve", "vp", "edm", or more exactly "ve-discrete", "vp-discrete", "vp-continuous", "subvp", "iddpm";
            "consistency" for consistency models in ADM form.
        sigma_min: smallest noise level, in the model's own data range.
        sigma_max: largest noise level, in the model's own data range.
        data_range: (low, high) of clean pixels, (0, 1) or (-1, 1).
        image_size: native height and width.
        num_heads: attention heads.
        num_head_channels: channels of each head; wins over ``num_heads``.
        num_heads_upsample: attention heads of the decoder, for ADM files where they differ.
        use_new_attention_order: ADM files trained with this flag.
        noise_schedule: "linear", "scaled_linear" or "cosine", for discrete VP networks.
        levels: noise levels that a discrete VP network was trained with (its ``diffusion_steps``).
        rescale_timesteps: ADM files trained with this flag, that is with timesteps from 0 to 1000 at any ``levels``.
        prediction: "eps", "v" or "x0", for discrete VP networks.
        fir: NCSN++ with (True) or without the [1,3,3,1] filter.
        skip_rescale: score-SDE networks with (True) or without the 1/sqrt(2) after each residual sum.
        name: what to call the model.
    """

    sde: str | None = None
    sigma_min: float | None = None
    sigma_max: float | None = None
    data_range: tuple[float, float] | None = None
    image_size: int | None = None
    num_heads: int | None = None
    num_head_channels: int | None = None
    use_new_attention_order: bool | None = None
    noise_schedule: str | None = None
    prediction: str | None = None
    fir: bool | None = None
    skip_rescale: bool | None = None
    name: str | None = None
    num_heads_upsample: int | None = None
    levels: int | None = None
    rescale_timesteps: bool | None = None

    SDES = ("ve", "vp", "edm", "ve-discrete", "vp-discrete", "vp-continuous", "subvp", "iddpm", "consistency")

    @classmethod
    def check_names(cls, names: Iterable[str]) -> None:
        """ValueError that names what is no option."""
        known = {f.name for f in fields(cls)}
        unknown = sorted(set(names) - known)
        if unknown:
            raise ValueError(f"Unknown option {listed(unknown)}; known options are {', '.join(sorted(known))}.")

    @classmethod
    def make(cls, options: Mapping[str, Any]) -> Overrides:
        """Checked overrides from keyword arguments or a sidecar file; ValueError names the option."""
        cls.check_names(options)
        got = {k: v for k, v in options.items() if v is not None}
        for key in ("sigma_min", "sigma_max"):
            if key in got:
                got[key] = _number(key, got[key], 0.0, 1e6)
        for key in ("image_size", "num_heads", "num_head_channels", "num_heads_upsample"):
            if key in got:
                got[key] = int(_number(key, got[key], 0, 16384))
        if "levels" in got:
            got["levels"] = int(_number("levels", got["levels"], 1, 100_000))
        for key in ("use_new_attention_order", "fir", "skip_rescale", "rescale_timesteps"):
            if key in got and not isinstance(got[key], bool):
                raise ValueError(f"{key} must be true or false, got {short(got[key])}.")
        for key, choices in (
            ("sde", cls.SDES),
            ("noise_schedule", ("linear", "scaled_linear", "cosine")),
            ("prediction", ("eps", "v", "x0")),
        ):
            if key in got and got[key] not in choices:
                raise ValueError(f"{key} must be one of {', '.join(choices)}, got {short(got[key])}.")
        if "data_range" in got:
            try:
                low, high = (float(v) for v in got["data_range"])
            except (TypeError, ValueError):
                low, high = 1.0, 0.0
            if not low < high:
                raise ValueError(f"data_range must be two numbers, low < high, got {short(got['data_range'])}.")
            got["data_range"] = (low, high)
        if isinstance(got.get("name"), str):
            got["name"] = str(got["name"])[:200]
        return cls(**got)

    def or_else(self, other: Overrides) -> Overrides:
        """These options, with ``other``'s where none is given here."""
        return replace(other, **self.given())

    def given(self) -> dict[str, Any]:
        """What was said, by name."""
        return {f.name: v for f in fields(self) if (v := getattr(self, f.name)) is not None}

    def words(self, *, but: Overrides | None = None) -> list[str]:
        """What was said as ``name=value``, without what ``but`` says in its place."""
        skip = but.given() if but else {}
        return [f"{name}={_shown(value)}" for name, value in self.given().items() if name not in skip]


class Recorded:
    """Overrides as a format sees them: what it asks for is taken as applied, the rest is refused by :meth:`finish`."""

    def __init__(self, options: Overrides):
        self._options, self.used = options, set()

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._options, name)
        self.used.add(name)
        return value

    def finish(self, file: str, found: Found) -> None:
        """ValueError that names the options without effect on this file, and what the file says itself."""
        given = {f.name: getattr(self._options, f.name) for f in fields(self._options)}
        rest = {k: v for k, v in given.items() if v is not None and k not in self.used and k not in _FOR_ALL}
        if rest:
            asked = ", ".join(f"{k}={_shown(v)}" for k, v in rest.items())
            said = ", ".join(f"{k} {text}" for k in rest if (text := _said(found, k)))
            raise ValueError(
                f"{file} is a {found.format}, on which {asked} has no effect. "
                + (f"The file itself says {said}. " if said else "")
                + f"Leave {'it' if len(rest) == 1 else 'them'} out, or on auto."
            )


_FOR_ALL = ("image_size", "name")


def _said(found: Found, option: str) -> str:
    """What a file says itself about an option, in words; empty when it has no such thing."""
    p = found.preconditioning
    blocks = [b for part in ("encoder", "middle", "decoder") for b in getattr(found.spec, part, ())]
    attended = [b for b in blocks if b.heads]
    if option in ("sigma_min", "sigma_max"):
        return f"{getattr(p.schedule(), option):.4g}"
    values = {
        "sde": [p.kind],
        "data_range": [f"[{p.data_range[0]:g}, {p.data_range[1]:g}]"],
        "noise_schedule": [getattr(p, "beta_schedule", "")],
        "prediction": [getattr(p, "prediction", "")],
        "levels": [getattr(p, "levels", "")],
        "num_heads": sorted({b.heads for b in attended}),
        "num_head_channels": sorted({b.outputs // b.heads for b in attended}),
        "fir": [any(b.fir for b in blocks)] if blocks else [],
        "skip_rescale": [any(b.scale != 1.0 for b in blocks)] if blocks else [],
    }.get(option, [])
    return " and ".join(_shown(v) for v in values if v != "")


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return ",".join(f"{v:g}" for v in value)
    return f"{value:g}" if isinstance(value, float) else str(value)


def _number(key: str, value: Any, low: float, high: float) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not low < value <= high:
        raise ValueError(f"{key} must be a number above {low:g} and at most {high:g}, got {short(value)}.")
    return float(value)
