"""The paper's protocol on a folder: simulate strokes, edit over t0, measure faithfulness and realism.

SDEdit (Meng et al., ICLR 2022), section 5 and figure 3.  Everything is a file in one output folder, written whole or
not at all, so that a run can be stopped, resumed and spread over machines that share the folder:

    settings.json          what the pictures were made with; a run with other settings is refused
    originals/ guides/     the photos at working size, and their stroke paintings
    t0-0.4/                one picture per guide
    table.csv summary.json the result, once all pictures are there

A picture depends on the settings and on its guide's file name only, not on the folder, the order or the shard.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import torch
from PIL import Image

from ..edit import sdedit
from ..model import ScoreModel
from ..pictures.files import check_target, make_folder, write_file
from ..pictures.fit import fit
from ..pictures.io import from_range, has_profile, load_image, save_image, to_range
from ..pictures.strokes import simulate_strokes
from ..sampling.noise import mix64
from ..sampling.options import check_options
from ..sampling.share import share_of
from ..sampling.solvers import Callback
from ..sde import check_t0, t0_text
from .metrics import distances
from .realism import SlicedWasserstein
from .resampling import FEWEST, resampled, with_intervals
from .table import Row, SweetSpot, sweet_spot, to_csv

# What settings.json says besides an edit's options, and did not in the first version: these were its values.
LATER = {"weights": "ema", "dtype": "auto", "overrides": {}, "class_label": None}


@dataclass(frozen=True)
class Protocol:
    """What the pictures of an evaluation are made with.

    ``options`` are those of an edit, see ``sampling.options``.  ``colours`` and ``kernel`` belong to the stroke
    simulation (kernel None = the paper's 23 px at 256 px, scaled);
    ``strokes`` False takes the pictures of the folder as the guides.  ``weights``, ``dtype`` and ``overrides`` are how
    the model's file was read, see :func:`~sdedit_core.load.load_score_model`; ``class_label`` is the class of every
    edit, for class-conditional models.
    """

    model: str
    t0: tuple[float, ...]
    width: int
    height: int
    options: Mapping[str, object] = field(default_factory=dict)
    strokes: bool = True
    colours: int = 6
    kernel: int | None = None
    weights: str = "ema"
    dtype: str = "auto"
    overrides: Mapping[str, object] = field(default_factory=dict)
    class_label: int | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "options", check_options(self.options))

    def settings(self) -> dict:
        """As one flat record for ``settings.json``."""
        out = {**asdict(self), **self.options}
        del out["options"]
        return json.loads(json.dumps(out))


@dataclass(frozen=True)
class Summary:
    """Result of an evaluation: the table, realism of untouched photos (floor) and of the guides, the sweet spot."""

    rows: list[Row]
    floor: float | None
    guides: float
    spot: SweetSpot | None


class PictureFolder(Sequence):
    """Pictures of a folder, in order of their names, read and fitted when asked for: (1,3,height,width) in [0, 1]."""

    def __init__(self, path: str | os.PathLike, *, width: int, height: int, names: Sequence[str] | None = None):
        self.path, self.width, self.height = Path(path), width, height
        self.names = picture_names(path) if names is None else list(names)

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, index: int) -> torch.Tensor:
        return fit(load_image(self.path / self.names[index]), width=self.width, height=self.height)


def picture_names(folder: str | os.PathLike) -> list[str]:
    """Names of the image files of a folder, sorted; ValueError when there is none."""
    folder = Path(folder)
    if not folder.is_dir():
        raise ValueError(f"{folder} is not a folder.")
    suffixes = Image.registered_extensions()
    names = [p.name for p in folder.iterdir() if p.suffix.lower() in suffixes and not p.name.startswith(".")]
    if not names:
        raise ValueError(f"There is no picture in {folder}.")
    return sorted(names)


def parse_shard(text: str) -> tuple[int, int]:
    """'2/8' to (2, 8): the second of eight shards."""
    try:
        index, count = (int(part) for part in text.split("/"))
    except ValueError:
        index, count = 0, 0
    if not 1 <= index <= count:
        raise ValueError(f"A shard is written i/n with i from 1 to n, as in 2/8; got {text!r}.")
    return index, count


class Evaluation:
    """An evaluation in a folder. ``names`` are those of all guides, whatever the shard."""

    def __init__(self, out: str | os.PathLike, protocol: Protocol, names: Sequence[str]):
        self.out, self.protocol, self.names = Path(out), protocol, list(names)

    def prepare(self) -> None:
        """Make the folders; ValueError when the folder holds pictures made with other settings."""
        settings = self.out / "settings.json"
        mine, usual = self.protocol.settings(), {**check_options({}), **LATER}
        begun: list[float] = []
        if settings.exists():
            try:
                theirs = json.loads(settings.read_text(encoding="utf-8"))
                begun = [] if "weights" in theirs else [check_t0(t0) for t0 in theirs.get("t0", ())]
                theirs = {**usual, **theirs}  # a folder of before an option was there
                changed = [k for k in {**theirs, **mine} if theirs.get(k) != mine.get(k)]
            except (OSError, ValueError, AttributeError, TypeError) as error:
                raise ValueError(f"{settings} cannot be read: {error}") from None
            changed = [k for k in changed if k != "t0"]  # more t0 values only add folders
            if changed:
                what = ", ".join(f"{k} {theirs.get(k)!r} (now {mine.get(k)!r})" for k in changed)
                raise ValueError(f"{self.out} was begun with other settings: {what}. Use another output folder.")
        self._exact_names(begun)
        for folder in (self.out, *(self.out / name for name in ("originals", "guides")), *self.folders()):
            make_folder(folder)
        for name in self.names:
            check_target(self.file("guides", name))
        write_file(settings, json.dumps(mine, indent=2) + "\n")

    def _exact_names(self, begun: Sequence[float]) -> None:
        """Folders of before their names were exact, begun with these t0, get the names they have now."""
        for short in sorted({f"t0-{t0:.4g}" for t0 in begun}):
            sharing = [t0 for t0 in begun if f"t0-{t0:.4g}" == short]
            if len(sharing) > 1 and (self.out / short).exists():
                raise ValueError(
                    f"{self.out / short} holds pictures of t0 {' and '.join(map(t0_text, sharing))} mixed up. Use "
                    "another output folder."
                )
            exact = f"t0-{t0_text(sharing[0])}"
            if exact != short and not (self.out / exact).exists():
                with contextlib.suppress(FileNotFoundError):  # never made, or another shard was quicker
                    (self.out / short).rename(self.out / exact)

    def folder_names(self) -> list[str]:
        """One folder per t0, by its exact number, inside the output folder."""
        return [f"t0-{t0_text(t0)}" for t0 in self.protocol.t0]

    def folders(self) -> list[Path]:
        """The folders of ``folder_names`` as paths."""
        return [self.out / name for name in self.folder_names()]

    def file(self, folder: str, name: str) -> Path:
        """Where a picture is: ``folder`` is the name of one of the output's folders."""
        return self.out / folder / f"{name}.png"

    def missing(self) -> list[tuple[str, float]]:
        """(name, t0) of every picture that is not there yet."""
        cells = [
            (name, t0, folder)
            for name in self.names
            for t0, folder in zip(self.protocol.t0, self.folder_names(), strict=True)
        ]
        return [(name, t0) for name, t0, folder in cells if not self.file(folder, name).exists()]

    def run(
        self,
        model: ScoreModel,
        source: str | os.PathLike,
        *,
        shard: tuple[int, int] = (1, 1),
        callback: Callback | None = None,
        on_picture: Callable[[str, float], None] | None = None,
    ) -> int:
        """Make this shard's missing pictures; returns how many. Both callbacks may raise to stop; resume by running."""
        index, count = shard
        mine = set(self.names[index - 1 :: count])
        number = self.protocol.class_label
        label = None if number is None else torch.tensor([number])
        made = 0
        for name, t0 in self.missing():
            if name not in mine:
                continue
            guide = self._guide(source, name)
            seed = mix64(self.protocol.options["seed"], zlib.crc32(name.encode("utf-8", "surrogateescape"))) >> 1
            options = {**self.protocol.options, "seed": seed}
            result = sdedit(model, to_range(guide, model.data_range), t0=t0, y=label, callback=callback, **options)
            picture = from_range(result.samples, model.data_range)
            if not bool(torch.isfinite(picture).all()):
                raise ValueError(f"The edit of {name} at t0 {t0:g} contains NaN or infinite values.")
            profile = has_profile(self.file("guides", name))
            save_image(picture, self.file(f"t0-{t0_text(t0)}", name), profile=profile)
            made += 1
            if on_picture is not None:
                on_picture(name, t0)
        return made

    def _guide(self, source: str | os.PathLike, name: str) -> torch.Tensor:
        """The guide as saved; made, and saved with its original, when it is not there yet."""
        p = self.protocol
        path = self.file("guides", name)
        if not path.exists():
            original = fit(load_image(Path(source) / name), width=p.width, height=p.height)
            profile = has_profile(Path(source) / name)
            save_image(original, self.file("originals", name), profile=profile)
            guide = simulate_strokes(original, colours=p.colours, kernel=p.kernel) if p.strokes else original
            save_image(guide, path, profile=profile)
        return load_image(path)

    def pictures(self, folder: str) -> PictureFolder:
        """Pictures of one of the output's folders, in the order of the names."""
        names = [f"{name}.png" for name in self.names]
        return PictureFolder(self.out / folder, width=self.protocol.width, height=self.protocol.height, names=names)

    def summarise(self, model: ScoreModel, reference: Sequence[torch.Tensor]) -> Summary:
        """Measure all pictures against their guides and the reference, and write table.csv and summary.json.

        With 4 pictures or more on both sides realism has 95 % intervals, by resampling pictures.

        Args:
            model: the model of the edits; its schedule gives sigma(t0).
            reference: real pictures of the working size, e.g. a :class:`PictureFolder`; not the guides' originals.
        """
        left = self.missing()
        if left:
            raise ValueError(f"{len(left)} pictures are still missing, the first is {left[0][0]} at t0 {left[0][1]:g}.")
        distance = SlicedWasserstein(reference)
        guides, rows = self.pictures("guides"), []
        for t0, folder in zip(self.protocol.t0, self.folder_names(), strict=True):
            pictures = self.pictures(folder)
            found = [distances(guide, picture)[0] for guide, picture in zip(guides, pictures, strict=True)]
            means = {
                key: sum(getattr(one, key) for one in found) / len(found)
                for key in ("l2", "l2_squared", "rmse", "psnr", "ssim")
            }
            sigma = model.schedule.sigma(t0)
            level = {"t0": t0, "sigma": sigma, "noise_share": share_of(sigma, model.data_std)}
            rows.append(Row(**level, **means, realism=distance(pictures).mean))
        floor = distance(self.pictures("originals")).mean if self.protocol.strokes else None
        of_guides = distance(guides).mean
        if min(len(guides), len(reference)) >= FEWEST:
            draws = resampled(distance, [*(self.pictures(folder) for folder in self.folder_names()), guides])
            rows = with_intervals(rows, draws[:, :-1], of_guides, draws[:, -1])
        summary = Summary(rows, floor, of_guides, sweet_spot(rows, ceiling=of_guides))
        write_file(self.out / "table.csv", to_csv(rows))
        write_file(self.out / "summary.json", json.dumps(_plain(asdict(summary)), indent=2, allow_nan=False) + "\n")
        return summary


def _plain(value):
    """Nested data with infinite and undefined numbers as None, which JSON can hold."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
