"""Does an edit fit its surroundings?  Every way of holding a hard mask's kept region, at equal evaluations.

    python benchmarks/seam.py -o seam.png                   # line and photos, minutes
    python benchmarks/seam.py --line                        # the exact line alone, under a minute
    python benchmarks/seam.py --search                      # what inner Langevin steps could do: 180 settings
    python benchmarks/seam.py --quick                       # seconds

The line: 32 correlated pixels whose law is known exactly; relative W2 of the edited pixels (0 = exact) and the jump at
the seam over the exact jump (1 = exact).  The photos (pip install scikit-image scikit-learn, or --photos FOLDER): five
edits, the photo without what its mask opens as the model.  Seam: rms colour difference of neighbours across the mask's
border over that of neighbours within six pixels on both sides of it, divided by the same of the untouched photo (1 = as
in the photo).  Kept: how much of the edit is there, 1 = as much as was painted, 0 = the photo is back.  A small seam
without an edit is no success.  -o writes a sheet with all results.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from pathlib import Path

import torch
import torch.nn.functional as F
from law import seam_line
from law.seam_line import drift
from law.think import Think, grid, think
from seam_edits import EDITS, Edit, find_photos, stand_in

from sdedit_core import perturb, sdedit
from sdedit_core.pictures.distance import distance
from sdedit_core.pictures.fit import AROUND, fit_image, unfit_image
from sdedit_core.pictures.io import save_image
from sdedit_core.pictures.sheet import contact_sheet
from sdedit_core.sampling.brownian import BrownianPath, path_depth
from sdedit_core.sampling.choice import run_levels
from sdedit_core.sampling.noise import NoiseStream, level_node
from sdedit_core.sampling.solvers.mca import automatic_finish

BAND = 6  # pixels on each side of a border that a seam is compared with
LANPAINT = Think()
# the best of `--search` by the mean W2 over t0 0.3, 0.5 and 0.7, with LanPaint's score and with a tilted input
BEST = Think(inner=2, strength=16.0, pace=0.05, share=1.0, correct=True)
TILTED = Think(inner=1, strength=None, pace=0.05, share=1.0, correct=True)
THINK = {"think, LanPaint's settings": LANPAINT, "think, best of search": BEST, "think, tilted": TILTED}


def seam_of(image: torch.Tensor, mask: torch.Tensor) -> float:
    """Rms colour difference across the border of a hard mask over that beside it, within ``BAND`` pixels."""
    inside = mask >= 0.5
    near = (distance(inside, BAND) <= BAND) & (distance(~inside, BAND) <= BAND)
    across, beside = [], []
    for axis in (-1, -2):
        n = image.shape[axis] - 1
        jump = image.diff(dim=axis).double().square().sum(1, keepdim=True)
        first, second = (inside.narrow(axis, k, n) for k in (0, 1))
        around = near.narrow(axis, 0, n) & near.narrow(axis, 1, n)
        across.append(jump[first != second])
        beside.append(jump[(first == second) & around])
    return float((torch.cat(across).mean() / torch.cat(beside).mean()).sqrt())


def edit_kept(image: torch.Tensor, edit: Edit) -> float:
    """How much of what was painted, pasted or removed is in a result: 1 = all of it, 0 = the photo is back.

    Inside the mask, the share of the change from photo to guide in that from photo to result (least squares), both
    averaged over a thirtieth of the picture: what counts is the object, not its texture.
    """
    side = 2 * (image.shape[-1] // 60) + 1

    def change(one: torch.Tensor) -> torch.Tensor:
        apart = ((one - edit.photo) * edit.mask).double()
        flat = F.avg_pool2d(apart, side, stride=1, padding=side // 2, count_include_pad=False)
        return flat[(edit.mask > 0).expand_as(flat)]

    wanted = change(edit.guide)
    return float((change(image) * wanted).sum() / wanted.square().sum())


def plain(edit: Edit, evaluations: int, mode: str, seed: int) -> torch.Tensor:
    options = {"t0": edit.t0, "steps": evaluations, "seed": seed, "mask_mode": mode}
    return sdedit(edit.model, edit.guide, mask=edit.mask, **options).samples.clamp(0, 1)


def unmasked(edit: Edit, evaluations: int, seed: int) -> torch.Tensor:
    return sdedit(edit.model, edit.guide, t0=edit.t0, steps=evaluations, seed=seed).samples.clamp(0, 1)


def thought(edit: Edit, evaluations: int, settings: Think, seed: int) -> torch.Tensor:
    """K inner Langevin steps; their noise is the corrector's stream, by level and number."""
    model, change = edit.model, edit.mask > 0.0
    state = perturb(model, edit.guide, edit.t0, seed=seed)
    steps, thinking = settings.steps(evaluations)
    levels = run_levels(model.schedule, state.sigma, steps=steps, solver="auto", eta=1.0, data_std=model.data_std)
    ends = {"sigma_min": model.schedule.sigma_min, "sigma_max": model.schedule.sigma_max}
    path = NoiseStream(edit.guide.shape[1:], seed=seed, stream="path")
    inner = path.sibling("corrector")
    out = think(
        lambda x, sigma: model.denoise(x, sigma, None),
        state.samples,
        levels,
        noise=BrownianPath(path, depth=path_depth(levels, **ends), **ends),
        wander=lambda sigma, k: inner(level_node(sigma, k + 1.0)),
        guide=edit.guide,
        change=change,
        settings=settings,
        thinking=thinking,
        finish=automatic_finish(levels, model.schedule.sigma_min, smooth=model.smooth),
    )
    return out.clamp(0, 1)


def vae(image: torch.Tensor) -> torch.Tensor:
    """The line's drift on every row of every channel: gain 1.06, shift -0.04, a little blur along it."""
    return drift(image.reshape(-1, image.shape[-1])).reshape(image.shape).clamp(0, 1)


def results(edit: Edit, evaluations: int, seed: int) -> dict[str, torch.Tensor]:
    """Every method's picture of one edit."""
    modes = {mode: plain(edit, evaluations, mode, seed) for mode in ("bridge", "tilt")}
    made = dict(modes)
    fitted = fit_image(edit.guide, edit.mask, method=AROUND, multiple=8)
    whole = fitted.image.shape == edit.guide.shape  # the window is the picture: nothing to run again
    piece = Edit(edit.name, fitted.image, fitted.image, fitted.mask, edit.model, edit.t0)
    cut = {mode: modes[mode] if whole else plain(piece, evaluations, mode, seed) for mode in modes}
    for mode in modes:
        made[f"crop, {mode}"] = unfit_image(cut[mode], fitted.undo)
    made["crop, tilt, feather 4"] = unfit_image(cut["tilt"], fitted.undo, feather=4)
    made["crop, tilt, feather 4 into the photo"] = unfit_image(cut["tilt"], fitted.undo, edit.photo, feather=4)
    every, all_of_it = unmasked(edit, evaluations, seed), fit_image(edit.guide, edit.mask).undo
    made["no mask in the loop, pasted"] = unfit_image(every, all_of_it)
    made["no mask in the loop, pasted, colour match"] = unfit_image(every, all_of_it, match=True)
    drifted = vae(modes["tilt"])
    made["tilt, then a VAE's drift"] = unfit_image(drifted, all_of_it)
    made["tilt, then a VAE's drift, colour match"] = unfit_image(drifted, all_of_it, match=True)
    for name, settings in THINK.items():
        made[name] = thought(edit, evaluations, settings, seed)
    return made


def show_line(times: Sequence[float], evaluations: int, *, rows: int) -> dict[str, float]:
    """Every method on the line; the mean W2 of each."""
    print(f"the exact line, {evaluations} evaluations: relative W2 / seam ratio at t0", *(f"{t:g}" for t in times))
    found = {name: [seam_line.affine(name, t, evaluations) for t in times] for name in seam_line.METHODS}
    found |= {name: [seam_line.sampled(name, t, evaluations, rows=rows) for t in times] for name in seam_line.SAMPLED}
    found |= {name: [seam_line.thought(s, t, evaluations) for t in times] for name, s in THINK.items()}
    for name, each in found.items():
        print_line(f"{name} ({THINK[name]})" if name in THINK else name, each)
    return {name: sum(r.w2 for r in each) / len(each) for name, each in found.items()}


def print_line(name: str, found: list) -> None:
    print(f"  {name:88s}", *(f"{r.w2:.3f} / {r.seam:.2f}" for r in found), sep="   ", flush=True)


def show_search(times: Sequence[float], evaluations: int) -> None:
    """The best settings of inner steps on the line at every t0, and over all of them."""
    found = {settings: [seam_line.thought(settings, t, evaluations) for t in times] for settings in grid()}
    tilt = [seam_line.affine("tilt", t, evaluations) for t in times]
    print_line("tilt", tilt)
    for title, some in (
        ("LanPaint's score", [s for s in found if s.strength is not None]),
        ("tilted", [s for s in found if s.strength is None]),
    ):
        best = min(some, key=lambda s: sum(r.w2 for r in found[s]))
        print_line(f"{title}, best over all: {best}", found[best])
        for i, t in enumerate(times):
            best = min(some, key=lambda s: found[s][i].w2)
            print_line(f"{title}, best at t0 {t:g}: {best}", found[best])
    better = [s for s in found if all(a.w2 < b.w2 for a, b in zip(found[s], tilt, strict=True))]
    print(f"{len(found)} settings; better than tilt at every t0: {len(better)}")


def show_photos(
    edits: Sequence[Edit], evaluations: int, seeds: int, output: str | None, w2: dict[str, float] | None = None
) -> None:
    """The table of the photos, with the mean W2 of the exact line (``w2``) in its first column; the sheet."""
    seams, kept, pictures, labels = {}, {}, [], []
    for edit in edits:
        own = seam_of(edit.photo, edit.mask)
        pictures += [edit.photo, edit.guide]
        labels += [f"{edit.name}: photo", "guide"]
        for seed in range(seeds):
            for name, picture in {"the guide": edit.guide, **results(edit, evaluations, seed)}.items():
                seams.setdefault(name, []).append(seam_of(picture, edit.mask) / own)
                kept.setdefault(name, []).append(edit_kept(picture, edit))
                if seed == 0 and output and name != "the guide":
                    pictures.append(picture)
                    labels.append(f"{name}: {seams[name][-1]:.2f}, kept {kept[name][-1]:.2f}")
                    place = Path(output).with_suffix("")
                    place.mkdir(parents=True, exist_ok=True)
                    save_image(picture, place / f"{edit.name}, {name}.png".replace(" ", "_").replace("'", ""))
    names = ", ".join(edit.name for edit in edits)
    print(f"\nphotos, {evaluations} evaluations, {seeds} seeds: W2 on the line; seam / edit kept: mean;", names)
    for name in seams:
        by_edit = [torch.tensor(values[name]).view(len(edits), -1).mean(1).tolist() for values in (seams, kept)]
        cells = [f"{seam:5.2f} / {share:4.2f}" for seam, share in zip(*by_edit, strict=True)]
        seam, share = (sum(each) / len(each) for each in by_edit)
        first = f"{w2[name]:.3f}" if w2 and name in w2 else "  -  "
        print(f"  {name:45s} {first}   {seam:5.2f} / {share:4.2f}   ", *cells, sep="  ")
    if output:
        columns = len(pictures) // len(edits)
        contact_sheet(pictures, labels, columns=columns, cell=256).save(output)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--line", action="store_true", help="no photos")
    parser.add_argument("--no-line", action="store_true", help="the photos alone")
    parser.add_argument("--search", action="store_true", help="settings of the inner Langevin steps on the line")
    parser.add_argument("--quick", action="store_true", help="one t0, few samples, one small render, 8 evaluations")
    parser.add_argument("--photos", metavar="FOLDER", help="where the photos are")
    parser.add_argument("--edits", type=int, nargs="+", choices=range(len(EDITS)), default=range(len(EDITS)))
    parser.add_argument("--size", type=int, default=192)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--evaluations", type=int, default=20)
    parser.add_argument("-o", "--output", metavar="FILE", help="sheet; the pictures lie in a folder of its name")
    args = parser.parse_args()
    torch.set_num_threads(1)
    started, times = time.perf_counter(), (0.5,) if args.quick else (0.3, 0.5, 0.7)
    if args.search:
        show_search(times, args.evaluations)
    else:
        w2 = None
        if not args.no_line:
            w2 = show_line(times, args.evaluations, rows=2000 if args.quick else seam_line.ROWS)
        if args.quick:
            show_photos([stand_in(48)], 8, 1, args.output, w2)
        elif not args.line:
            places = find_photos(args.photos)
            edits = [EDITS[i](places, args.size) for i in args.edits]
            show_photos(edits, args.evaluations, args.seeds, args.output, w2)
    print(f"{time.perf_counter() - started:.0f} s")


if __name__ == "__main__":
    main()
