"""t0 Map: several regions, each with its own t0, as one mask."""

from __future__ import annotations

import torch

from ..sdedit_core.sampling.share import MODEL_TIME
from .image import check_image, to_core, to_image
from .masks import check_mask
from .schema import UNIT_INPUT, Node, choice, integer, socket, widget

REGIONS = 4
SIDES = ("out", "in", "both")
START, FEATHER = 0.4, 0


class T0Map(Node):
    ID = "SDEdit_T0Map"
    NAME = "t0 Map"
    FUNCTION = "lay"
    OUTPUTS = (
        (
            "MASK",
            "mask",
            "The map for Add VE Noise at t0: every pixel's share of the largest t0. For Fit Image to Model and Unfit "
            "Image it says what may change at all.",
        ),
        (
            "FLOAT",
            "t0",
            "The largest t0 of the map, in the unit set here. Connect it to t0 of Add VE Noise at t0 and set the same "
            "unit there; then every region has exactly its own t0.",
        ),
        ("IMAGE", "heat map", "The map in colours with its numbers on it, dark = kept, and a scale below."),
        ("STRING", "info", "Which part of the picture starts at which t0. Connect Preview as Text to read it."),
    )
    DESCRIPTION = (
        "Several strengths in one picture: up to four masks, each with its own t0, a t0 for the rest, and a soft edge, "
        "as one mask that Add VE Noise at t0 takes. A later region lies on the earlier ones, as layers do."
    )
    SEARCH_ALIASES = [
        "sdedit",
        "regional denoise",
        "several masks",
        "combine masks",
        "soft mask",
        "differential diffusion",
        "strength map",
        "feather mask",
    ]

    @classmethod
    def INPUT_TYPES(cls) -> dict:
        from ..sdedit_core.sampling.options import T0

        def start(words: str, default: float = START) -> tuple:
            return widget(T0, default=default, tooltip=words)

        return {
            "required": {
                "mask_1": socket(
                    "MASK",
                    "The lowest region: 1 (white) is in it, grey in part. From any node that gives a "
                    "MASK; a batch for the frames of a video.",
                ),
                "t0_1": start("Where the first region starts, in the unit below. 0 keeps it, bit for bit."),
                "base_t0": start("Where everything outside of the regions starts. 0 keeps it, bit for bit.", 0.0),
                "feather": integer(
                    FEATHER, 0, 512, "Width of every region's soft edge, in pixels of the map: t0 rises over it evenly."
                ),
                "feather_side": choice(
                    list(SIDES),
                    "Where the soft edge lies. out: around the region, which has all of its t0. in: inside of it, so "
                    "that nothing outside changes. both: half and half.",
                    default=SIDES[0],
                ),
            },
            "optional": {
                "mask_2": socket("MASK", "Lies on the first region: where it is 1, its own t0 counts."),
                "t0_2": start("Where the second region starts."),
                "mask_3": socket("MASK", "Lies on the first two regions."),
                "t0_3": start("Where the third region starts."),
                "mask_4": socket("MASK", "Lies on all the others: to keep a face, say, with t0 0."),
                "t0_4": start("Where the fourth region starts."),
                "image": socket("IMAGE", "The picture, to be seen in the heat map; the map then has its size."),
                "model": socket("MODEL", "The model of the edit. Needed for noise share, and to see sigma in info."),
                "unit": UNIT_INPUT,
            },
        }

    def lay(
        self,
        mask_1: torch.Tensor,
        t0_1: float,
        base_t0: float,
        feather: int,
        feather_side: str,
        mask_2: torch.Tensor | None = None,
        t0_2: float = START,
        mask_3: torch.Tensor | None = None,
        t0_3: float = START,
        mask_4: torch.Tensor | None = None,
        t0_4: float = START,
        image: torch.Tensor | None = None,
        model: object = None,
        unit: str = MODEL_TIME,
    ) -> tuple:
        from ..sdedit_core.measure.t0_picture import t0_picture
        from ..sdedit_core.sampling.regions import Region, as_mask, lay_regions

        units = Units(model, unit)
        given = ((mask_1, t0_1), (mask_2, t0_2), (mask_3, t0_3), (mask_4, t0_4))
        masks = {i: check_mask(mask) for i, (mask, _) in enumerate(given) if mask is not None}
        picture = None if image is None else to_core(check_image(image, self.NAME))
        masks, notes = _alike(masks, None if picture is None else tuple(picture.shape[-2:]))
        regions = [Region(mask, units.t0(given[i][1])) for i, mask in masks.items()]
        found = lay_regions(regions, base=units.t0(base_t0), feather=feather, side=feather_side)
        mask, top = as_mask(found)
        flat = found.reshape(-1, *found.shape[-2:])
        if picture is not None and picture.shape[0] not in (1, flat.shape[0]):
            picture = picture[:1]
        heat = to_image(t0_picture(units.shown(flat), picture=picture, unit=units.name))
        mask = mask.reshape(flat.shape) if mask.ndim < 5 else mask
        return mask, units.number(top), heat, "\n".join([*units.lines(flat), *notes])


class Units:
    """Numbers in the unit of the node, to the model's time and back; without a model the two are one."""

    def __init__(self, model: object, unit: str):
        from ..sdedit_core.sampling.share import check_unit
        from .dial import find_dial

        if model is None and check_unit(unit) != MODEL_TIME:
            raise ValueError(
                f"{T0Map.NAME}: what a noise share is in the time of a model depends on the model. Connect the MODEL, "
                "or set unit to t0."
            )
        self._dial = None if model is None else find_dial(model, unit)
        self.name = "t0" if self._dial is None else self._dial.name

    def t0(self, value: float) -> float:
        """The model's own time of a number of a widget."""
        from ..sdedit_core.sde import check_t0

        return check_t0(value) if self._dial is None else self._dial.t0(value)

    def number(self, t0: float) -> float:
        """A time of the model in the unit of the node."""
        return t0 if self._dial is None else self._dial.value(t0)

    def shown(self, t0_map: torch.Tensor) -> torch.Tensor:
        """A whole map in the unit of the node."""
        if self._dial is None or self._dial.unit == MODEL_TIME:
            return t0_map
        levels, place = torch.round(t0_map * 4096.0).unique(return_inverse=True)
        exact = {round(t0 * 4096.0): t0 for t0 in _common(t0_map)}
        numbers = [self.number(exact.get(int(level), float(level) / 4096.0)) for level in levels]
        return torch.tensor(numbers, dtype=torch.float64)[place]

    def lines(self, t0_map: torch.Tensor) -> list[str]:
        """In words: the size, and which part starts where."""
        count, height, width = t0_map.shape
        empty = float(t0_map.max()) <= 0.0
        lines = [f"t0 map: {width} x {height}" + f", {count} of them" * (count > 1)]
        if empty:
            return [*lines, "empty (all 0): nothing may change, and the guide will come back"]
        shares = [(t0, float(((t0_map - t0).abs() < 5e-7).float().mean())) for t0 in _common(t0_map)]
        lines += [f"{self._words(t0)}: {100.0 * share:.4g} % of the picture" for t0, share in shares]
        rest = 1.0 - sum(share for _, share in shares)
        return lines + [f"soft edges between them: {100.0 * rest:.3g} %"] * (rest > 5e-4)

    def _words(self, t0: float) -> str:
        if t0 == 0.0:
            return "kept (t0 0)"
        if self._dial is None:
            return f"t0 {t0:.6g}"
        sigma = self._dial.schedule.sigma(t0)
        return f"t0 {t0:.6g}, sigma {sigma:.4g}, noise share {self._dial.share(sigma):.4g}"


def _common(t0_map: torch.Tensor) -> list[float]:
    from ..sdedit_core.measure.t0_picture import main_values

    return main_values(t0_map)


def _alike(masks: dict[int, torch.Tensor], size: tuple[int, int] | None) -> tuple[dict[int, torch.Tensor], list[str]]:
    """The masks in one size, that of the picture or of the largest mask, and with one batch; notes on what was done."""
    from ..sdedit_core.pictures.fit import resize_mask

    size = size or max((tuple(mask.shape[-2:]) for mask in masks.values()), key=lambda side: side[0] * side[1])
    notes, out = [], {}
    for i, mask in masks.items():
        if tuple(mask.shape[-2:]) != size:
            notes.append(f"mask_{i + 1} was {mask.shape[-1]} x {mask.shape[-2]} and was resized")
        flat = mask.reshape(-1, 1, *mask.shape[-2:]).clamp(0.0, 1.0)
        out[i] = resize_mask(flat, size)[:, 0]
    counts = {mask.shape[0] for mask in out.values()}
    if counts - {1, max(counts)}:
        numbers = ", ".join(f"mask_{i + 1} has {mask.shape[0]}" for i, mask in out.items())
        raise ValueError(
            f"{T0Map.NAME}: {numbers} pictures, and it is not clear which belongs to which. Connect batches of one "
            "size, or a single mask."
        )
    shapes = [mask.shape[:-2] for mask in masks.values() if mask.ndim == 5 and mask.shape[:-2].numel() == max(counts)]
    if shapes:  # noise masks of a video keep their axes
        out = {i: mask.expand(max(counts), -1, -1).reshape(*shapes[0], *size) for i, mask in out.items()}
    return out, notes
