"""The pictures of the nodes' help pages, one function a node; ``make_pictures.py`` writes them."""

from __future__ import annotations

import io

import torch
from PIL import Image

from sdedit_core import load_score_model, perturb, sdedit
from sdedit_core.builtin import MOODS, RECOMMENDED_T0, example_composite, example_edit, example_guide, scene
from sdedit_core.edit import reverse
from sdedit_core.fitting import fit_image, unfit_image
from sdedit_core.grids import karras, log_uniform, uniform_t
from sdedit_core.images import contact_sheet
from sdedit_core.loading import score_model_from_images
from sdedit_core.plots import heat_map
from sdedit_core.probe import probe
from sdedit_core.sde import VESDE
from sdedit_core.strokes import simulate_strokes

SIZE, THIRD, HALF = 256, 192, 256  # pictures; cells of sheets with three and with two columns
DARK = "#18181b"


def result(mood: str, guide: torch.Tensor, t0: float, **options) -> torch.Tensor:
    """The picture that a built-in model makes of a guide: 20 steps, seed 1 unless told otherwise."""
    run = {"steps": 20, "seed": 1, **options}
    return sdedit(load_score_model(f"landscape-{mood}"), guide, t0=t0, **run).samples.clamp(0, 1)


def score_model_loader() -> Image.Image:
    pictures = [result(m, example_guide(m, width=SIZE, height=SIZE), RECOMMENDED_T0[m]) for m in MOODS]
    return contact_sheet(pictures, [f"landscape-{m}" for m in MOODS], columns=3, cell=THIRD)


def add_ve_noise() -> Image.Image:
    guide, model = example_guide("alpine", width=SIZE, height=SIZE), load_score_model("landscape-alpine")
    states = [perturb(model, guide, t0, seed=0) for t0 in (0.2, 0.4, 0.6)]
    noised = [state.samples.clamp(0, 1) for state in states]
    labels = [f"t0 {s.t0:g}, sigma {s.sigma:.2g}" for s in states]
    made = [result("alpine", guide, s.t0, seed=0) for s in states]
    return contact_sheet(noised + made, labels + ["what comes of it"] * 3, columns=3, cell=THIRD)


def reverse_sde_sampler() -> Image.Image:
    guide, model = example_guide("sunset", width=SIZE, height=SIZE), load_score_model("landscape-sunset")
    seen = []
    run = sdedit(model, guide, t0=0.44, steps=20, seed=1, callback=lambda s: seen.append((s.x.clone(), s.denoised)))
    cells = [perturb(model, guide, 0.44, seed=1).samples, seen[9][0], run.samples]
    labels = ["the noised guide", "after 10 of 20 steps", "after 20 steps"]
    return contact_sheet([c.clamp(0, 1) for c in cells], labels, cell=THIRD)


def score_model_from_images_() -> Image.Image:
    photo, guide = scene("autumn", 2, SIZE), example_guide("autumn", width=SIZE, height=SIZE)
    made = sdedit(score_model_from_images(photo), guide, t0=0.36, steps=20, seed=1).samples.clamp(0, 1)
    return contact_sheet([photo, guide, made], ["the one image", "strokes", "picture, t0 0.36"], cell=THIRD)


def example_guides() -> Image.Image:
    cells = [example_guide("lake", width=SIZE, height=SIZE), example_edit("sunset-sun", SIZE)[1]]
    cells.append(example_composite("desert-mesa", SIZE)[3])
    return contact_sheet(cells, ["lake", "edit: sunset-sun", "composite: desert-mesa"], cell=THIRD)


def sigmas_from_t0() -> Image.Image:
    process, t0, steps = VESDE(0.01, 348.0), 0.5, 20
    top = process.sigma(t0)
    levels = {
        "karras": karras(top, 0.01, steps),
        "exponential": log_uniform(top, 0.01, steps),
        "uniform t": uniform_t(process, t0, steps),
    }
    figure, axis = _axis()
    for name, values in levels.items():
        axis.plot(range(len(values)), values, marker="o", markersize=3, label=name)
    axis.set(yscale="log", xlabel="step", ylabel="sigma", title=f"{steps} steps from t0 {t0:g} (sigma_max 348)")
    axis.set_xticks(range(0, steps + 1, 5))
    axis.legend(frameon=False, labelcolor="white")
    return _drawn(figure)


def reverse_sde() -> Image.Image:
    guide, model = example_guide("lake", width=SIZE, height=SIZE), load_score_model("landscape-lake")
    runs = {"auto, seed 1": {}, "auto, seed 2": {"seed": 2}, "pf_ode, any seed": {"solver": "pf_ode"}}
    state = perturb(model, guide, 0.6, seed=1)
    made = []
    for run in runs.values():
        options = {"schedule": model.schedule, "steps": 20, "seed": 1, **run}
        made.append(reverse(lambda x, s: model.denoise(x, s), state, **options).samples.clamp(0, 1))
    return contact_sheet(made, list(runs), cell=THIRD)


def _wide_edit() -> tuple[torch.Tensor, torch.Tensor]:
    """A picture of 384 x 256 with strokes on it, and their mask."""
    _, guide, mask = example_edit("sunset-sun", 384)
    return guide[..., 64:320, :], mask[..., 64:320, :]


def fit_image_() -> Image.Image:
    guide, mask = _wide_edit()
    cells, labels = [guide], ["384 x 256"]
    for method in ("crop", "pad", "stretch"):
        cells.append(fit_image(guide, mask, method=method, size=(256, 256), multiple=1).image)
        labels.append(f"{method}: 256 x 256")
    return contact_sheet(cells, labels, columns=4, cell=THIRD - 40)


def unfit_image_() -> Image.Image:
    guide, mask = _wide_edit()
    fitted = fit_image(guide, mask, method="crop", size=(256, 256), multiple=1)
    made = result("sunset", fitted.image, 0.3, mask=fitted.mask)
    back = unfit_image(made, fitted.undo)
    return contact_sheet([fitted.image, made, back], ["fitted guide", "result", "in the original"], cell=THIRD)


def t0_probe() -> Image.Image:
    guide, model = example_guide("lake", width=SIZE, height=SIZE), load_score_model("landscape-lake")
    found = probe(model, guide, [0.2, 0.35, 0.5], seed=1)
    cells = [guide, *(p.denoised.clamp(0, 1) for p in found)]
    return contact_sheet(cells, ["guide", *(f"survives t0 {p.t0:g}" for p in found)], columns=2, cell=HALF)


def t0_sweep() -> Image.Image:
    guide, values = example_guide("lake", width=SIZE, height=SIZE), (0.25, 0.35, 0.45, 0.55, 0.65)
    made = [result("lake", guide, t0) for t0 in values]
    return contact_sheet([guide, *made], ["guide", *(f"t0 {t0:g}" for t0 in values)], columns=3, cell=THIRD)


def edit_report() -> Image.Image:
    _, guide, mask = example_edit("sunset-sun", SIZE)
    made = result("sunset", guide, 0.3, mask=mask)
    heat = heat_map(guide, made, mask=mask)
    return contact_sheet([guide, made, heat], ["guide", "picture", "heat map"], cell=THIRD)


def simulate_strokes_() -> Image.Image:
    photo = scene("alpine", 3, SIZE)
    cells = [photo, *(simulate_strokes(photo, colours=n) for n in (6, 24))]
    return contact_sheet(cells, ["photo", "6 colours", "24 colours"], cell=THIRD)


def _axis():
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 3.2), dpi=100, facecolor=DARK, layout="tight")
    axis = figure.add_subplot(facecolor=DARK)
    axis.tick_params(colors="white")
    for part in (*axis.spines.values(),):
        part.set_color("#71717a")
    for part in (axis.xaxis.label, axis.yaxis.label, axis.title):
        part.set_color("white")
    return figure, axis


def _drawn(figure) -> Image.Image:
    file = io.BytesIO()
    figure.savefig(file, format="png", facecolor=DARK)
    return Image.open(file).convert("RGB")


HELP = {
    "SDEdit_ScoreModelLoader": score_model_loader,
    "SDEdit_AddVENoise": add_ve_noise,
    "SDEdit_ReverseSDESampler": reverse_sde_sampler,
    "SDEdit_ScoreModelFromImages": score_model_from_images_,
    "SDEdit_ExampleGuide": example_guides,
    "SDEdit_SigmasFromT0": sigmas_from_t0,
    "SDEdit_ReverseSDE": reverse_sde,
    "SDEdit_FitImage": fit_image_,
    "SDEdit_UnfitImage": unfit_image_,
    "SDEdit_T0Probe": t0_probe,
    "SDEdit_T0Sweep": t0_sweep,
    "SDEdit_EditReport": edit_report,
    "SDEdit_SimulateStrokes": simulate_strokes_,
}
