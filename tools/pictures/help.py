"""The pictures of the nodes' help pages, one function a node; ``docs.py`` writes them."""

from __future__ import annotations

import io

import torch
import torch.nn.functional as F
from PIL import Image, ImageDraw, ImageFont

from sdedit_core import load_score_model, perturb, sdedit
from sdedit_core.builtin import (
    MOODS,
    RECOMMENDED_T0,
    example_composite,
    example_drawing,
    example_edit,
    example_guide,
    example_photo,
)
from sdedit_core.edit import reverse
from sdedit_core.load import score_model_from_images
from sdedit_core.measure.plots import heat_map
from sdedit_core.measure.probe import probe
from sdedit_core.measure.t0_picture import t0_picture
from sdedit_core.pictures.canvas import paint_drawing, parse_drawing
from sdedit_core.pictures.fit import fit_image, unfit_image
from sdedit_core.pictures.io import from_pil, to_pil
from sdedit_core.pictures.strokes import simulate_strokes
from sdedit_core.pictures.window import Box
from sdedit_core.sampling.grids import karras, log_uniform, uniform_t
from sdedit_core.sampling.regions import Region, lay_regions
from sdedit_core.sde import VESDE

SIZE, THIRD, HALF = 256, 192, 256  # pictures; cells of sheets with three and with two columns
DARK, INK, GAP, LETTERS = "#18181b", "#e4e4e7", 6, 26


def sheet(pictures: list[torch.Tensor], labels: list[str], columns: int = 3, cell: int = THIRD) -> Image.Image:
    """Labelled pictures; the letters can still be read when the help panel shows the sheet at half its size."""
    small = [to_pil(p) for p in pictures]
    small = [p.resize((cell, round(p.height * cell / p.width)), Image.Resampling.LANCZOS) for p in small]
    rows = [range(i, min(i + columns, len(small))) for i in range(0, len(small), columns)]
    heights = [max(small[i].height for i in row) + LETTERS + 3 * GAP for row in rows]
    image = Image.new("RGB", (GAP + columns * (cell + GAP), GAP + sum(heights)), DARK)
    draw, font, y = ImageDraw.Draw(image), ImageFont.load_default(size=LETTERS), GAP
    for row, height in zip(rows, heights, strict=True):
        for column, i in enumerate(row):
            x = GAP + column * (cell + GAP)
            image.paste(small[i], (x, y))
            draw.text((x + 2, y + small[i].height + 2), labels[i], font=font, fill=INK)
        y += height
    return image


def result(mood: str, guide: torch.Tensor, t0: float, **options) -> torch.Tensor:
    """The picture that a built-in model makes of a guide: 20 steps, seed 1 unless told otherwise."""
    run = {"steps": 20, "seed": 1, **options}
    return sdedit(load_score_model(f"landscape-{mood}"), guide, t0=t0, **run).samples.clamp(0, 1)


def score_model_loader() -> Image.Image:
    pictures = [result(m, example_guide(m, width=SIZE, height=SIZE), RECOMMENDED_T0[m]) for m in MOODS]
    return sheet(pictures, list(MOODS))


def add_ve_noise() -> Image.Image:
    guide, model = example_guide("alpine", width=SIZE, height=SIZE), load_score_model("landscape-alpine")
    states = [perturb(model, guide, t0, seed=0) for t0 in (0.2, 0.4, 0.6)]
    noised = [state.samples.clamp(0, 1) for state in states]
    labels = [f"t0 {s.t0:g}" for s in states]
    made = [result("alpine", guide, s.t0, seed=0) for s in states]
    return sheet(noised + made, labels + ["its picture"] * 3)


def reverse_sde_sampler() -> Image.Image:
    guide, model = example_guide("sunset", width=SIZE, height=SIZE), load_score_model("landscape-sunset")
    seen = []
    run = sdedit(model, guide, t0=0.36, steps=20, seed=1, callback=lambda s: seen.append((s.x.clone(), s.denoised)))
    cells = [perturb(model, guide, 0.36, seed=1).samples, seen[9][0], run.samples]
    return sheet([c.clamp(0, 1) for c in cells], ["noised", "half way", "picture"])


def score_model_from_images_() -> Image.Image:
    photo, guide = example_photo("autumn", SIZE), example_guide("autumn", width=SIZE, height=SIZE)
    made = sdedit(score_model_from_images(photo), guide, t0=0.36, steps=20, seed=1).samples.clamp(0, 1)
    return sheet([photo, guide, made], ["one image", "strokes", "picture"])


def example_guides() -> Image.Image:
    cells = [example_guide("lake", width=SIZE, height=SIZE), example_edit("sunset-sun", SIZE)[1]]
    cells.append(example_composite("desert-mesa", SIZE)[3])
    return sheet(cells, ["strokes", "edit", "composite"])


def sigmas_from_t0() -> Image.Image:
    process, t0, steps = VESDE(0.01, 348.0), 0.5, 20
    top = process.sigma(t0)
    levels = {
        "karras": karras(top, 0.01, steps),
        "exponential": log_uniform(top, 0.01, steps),
        "uniform t": uniform_t(process, process.sigma(t0), steps),
    }
    figure, axis = _axis()
    for name, values in levels.items():
        axis.plot(range(len(values)), values, marker="o", markersize=3, label=name)
    axis.set(yscale="log", xlabel="step", ylabel="sigma", title=f"{steps} steps from t0 {t0:g}")
    axis.set_xticks(range(0, steps + 1, 5))
    axis.legend(frameon=False, labelcolor="white")
    return _drawn(figure)


def reverse_sde() -> Image.Image:
    guide, model = example_guide("lake", width=SIZE, height=SIZE), load_score_model("landscape-lake")
    runs = {"seed 1": {}, "seed 2": {"seed": 2}, "pf_ode": {"solver": "pf_ode"}}
    state = perturb(model, guide, 0.6, seed=1)
    made = []
    for run in runs.values():
        made.append(reverse(model, state, **{"steps": 20, "seed": 1, **run}).samples.clamp(0, 1))
    return sheet(made, list(runs))


def _wide_edit() -> tuple[torch.Tensor, torch.Tensor]:
    """A picture of 384 x 256 with strokes on it, and their mask."""
    _, guide, mask = example_edit("sunset-sun", 384)
    return guide[..., 64:320, :], mask[..., 64:320, :]


def fit_image_() -> Image.Image:
    guide, mask = _wide_edit()
    cells, labels = [guide], ["384 x 256"]
    for method in ("crop", "pad", "stretch"):
        cells.append(fit_image(guide, mask, method=method, size=(256, 256), multiple=1).image)
        labels.append(method)
    return sheet(cells, labels, columns=2, cell=HALF)


def _small_peak() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """A picture (1, 3, 1024, 1024), the same with a mountain of 40 pixels on its horizon, and a mask of that."""
    before = example_photo("lake", 1024)
    photo, mask = to_pil(before), Image.new("L", (1024, 1024))
    for page, colours in ((photo, ("#5d626b", "#e8edf5", "#3f5a35")), (mask, ("white",) * 3)):
        draw = ImageDraw.Draw(page)
        draw.polygon([(130, 546), (151, 506), (172, 546)], fill=colours[0])
        draw.polygon([(144, 520), (151, 506), (158, 520)], fill=colours[1])
        draw.polygon([(128, 546), (138, 538), (166, 539), (174, 546)], fill=colours[2])
    grown = F.max_pool2d(from_pil(mask)[:, :1], 7, stride=1, padding=3)
    return before, from_pil(photo), (grown > 0.5).float()


def fit_around() -> Image.Image:
    before, painted, mask = _small_peak()
    view = Box(484, 107, 80, 88)
    fitted = fit_image(painted, mask, method="around mask", context=0.75, enlarge=256)
    made = unfit_image(result("lake", fitted.image, 0.3, mask=fitted.mask), fitted.undo, before, feather=3)
    whole = result("lake", painted, 0.3, mask=mask)
    cells = [view.cut(picture) for picture in (painted, whole, made)]
    large = [F.interpolate(cell, scale_factor=4, mode="bicubic").clamp(0, 1) for cell in cells]
    return sheet(large, ["40 px, painted", "in the whole", "around mask"], cell=HALF)


def unfit_image_() -> Image.Image:
    guide, mask = _wide_edit()
    fitted = fit_image(guide, mask, method="crop", size=(256, 256), multiple=1)
    made = result("sunset", fitted.image, 0.2, mask=fitted.mask)
    back = unfit_image(made, fitted.undo)
    return sheet([fitted.image, made, back], ["fitted", "result", "put back"])


def t0_map() -> Image.Image:
    guide, model = example_guide("lake", width=SIZE, height=SIZE), load_score_model("landscape-lake")
    sky, water = torch.zeros(1, SIZE, SIZE), torch.zeros(1, SIZE, SIZE)
    sky[:, :90], water[:, 190:] = 1.0, 1.0
    found = lay_regions([Region(sky, 0.5), Region(water, 0.25)], feather=24)
    made = sdedit(model, guide, t0_map=found.float()[None], steps=20, seed=1).samples.clamp(0, 1)
    return sheet([guide, t0_picture(found, picture=guide), made], ["strokes", "heat map", "picture"])


def t0_probe() -> Image.Image:
    guide, model = example_guide("lake", width=SIZE, height=SIZE), load_score_model("landscape-lake")
    found = probe(model, guide, [0.2, 0.35, 0.5], seed=1)
    cells = [guide, *(p.denoised.clamp(0, 1) for p in found)]
    return sheet(cells, ["guide", *(f"t0 {p.t0:g}" for p in found)], columns=2, cell=HALF)


def t0_sweep() -> Image.Image:
    guide, values = example_guide("alpine", width=SIZE, height=SIZE), (0.1, 0.2, 0.3, 0.4, 0.6)
    made = [result("alpine", guide, t0, seed=0) for t0 in values]
    return sheet([guide, *made], ["guide", *(f"t0 {t0:g}" for t0 in values)])


def edit_report() -> Image.Image:
    _, guide, mask = example_edit("sunset-sun", SIZE)
    made = result("sunset", guide, 0.2, mask=mask)
    heat = heat_map(guide, made, mask=mask)
    return sheet([guide, made, heat], ["guide", "picture", "heat map"])


def simulate_strokes_() -> Image.Image:
    photo = example_photo("alpine", SIZE)
    cells = [photo, *(simulate_strokes(photo, colours=n) for n in (6, 24))]
    return sheet(cells, ["photo", "6 colours", "24 colours"])


def stroke_canvas() -> Image.Image:
    painted, _ = paint_drawing(parse_drawing(example_drawing()), width=SIZE, height=SIZE)
    return sheet([painted, result("alpine", painted, 0.25)], ["painted", "picture"], columns=2, cell=HALF)


def _axis():
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4.3, 3), dpi=140, facecolor=DARK, layout="tight")
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
    "SDEdit_StrokeCanvas": stroke_canvas,
    "SDEdit_ScoreModelLoader": score_model_loader,
    "SDEdit_AddVENoise": add_ve_noise,
    "SDEdit_ReverseSDESampler": reverse_sde_sampler,
    "SDEdit_ScoreModelFromImages": score_model_from_images_,
    "SDEdit_ExampleGuide": example_guides,
    "SDEdit_SigmasFromT0": sigmas_from_t0,
    "SDEdit_ReverseSDE": reverse_sde,
    "SDEdit_FitImage": fit_image_,
    "SDEdit_FitImage_around": fit_around,
    "SDEdit_UnfitImage": unfit_image_,
    "SDEdit_T0Map": t0_map,
    "SDEdit_T0Probe": t0_probe,
    "SDEdit_T0Sweep": t0_sweep,
    "SDEdit_EditReport": edit_report,
    "SDEdit_SimulateStrokes": simulate_strokes_,
}
