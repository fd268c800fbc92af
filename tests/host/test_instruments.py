"""t0 Probe, t0 Sweep, Edit Report and Simulate Strokes inside ComfyUI."""

import csv
import io

import numpy as np
import pytest
import torch
from graphs import edit, latents, node, pictures, put_image, save_latent, succeed


def instrument(kind, values, *, size=64, outputs, text, mask=None, guide="alpine", **inputs):
    """Loader, guide, VAE Encode and one node over t0, with its pictures saved and its words shown."""
    graph = edit(size=size, guide=guide)
    for name in ("noise", "sample", "decode", "save", "report", "readout"):
        del graph[name]
    inputs = {"model": ["loader", 0], "latent": ["encode", 0], "vae": ["loader", 1], "t0_values": values} | inputs
    graph["it"] = node("SDEdit_" + kind, seed=2, **inputs)
    if mask is not None:
        graph["mask"] = mask
        graph["it"]["inputs"]["mask"] = ["mask", 0]
    for name, slot in outputs.items():
        graph[name] = node("SaveImage", images=["it", slot], filename_prefix="t")
    for name, slot in text.items():
        graph[name] = node("PreviewAny", source=["it", slot])
    return graph


def probe(values="0.2, 0.4", **inputs):
    return instrument("T0Probe", values, outputs={"save": 0}, text={"report": 2}, **inputs)


def sweep(values="0.2, 0.4", **inputs):
    inputs = {"steps": 3, "solver": "auto"} | inputs
    outputs = {"sheet": 0, "plot": 1, "save": 2}
    return instrument("T0Sweep", values, outputs=outputs, text={"csv": 4, "report": 5}, **inputs)


def table(run):
    return list(csv.DictReader(io.StringIO(run.text("csv"))))


def left_half(comfy, base):
    array = np.zeros((64, 64, 3), np.uint8)
    array[:, :32] = 255
    return node("LoadImageMask", image=put_image(comfy, base, "left_half.png", array), channel="red")


def test_probe(comfy):
    run = succeed(comfy, save_latent(probe(), ["it", 1]))
    assert pictures(comfy, run).shape[2] > 3 * 250, "guide and two values on one sheet"
    found = latents(comfy, run)
    assert found.shape == (2, 3, 64, 64)
    assert "t0 0.4" in run.text("report") and "expected RMS change" in run.text("report")
    assert "4 evaluations" in run.text("report")
    assert [p[1:] for p in run.progress if p[0] == "it"][-1] == (2, 2)
    assert run.previews


def test_probe_keeps_what_the_mask_keeps(comfy, base):
    graph = save_latent(probe("0, 0.4", mask=left_half(comfy, base)), ["it", 1])
    run = succeed(comfy, save_latent(graph, ["encode", 0], "clean"))
    clean, found = latents(comfy, run, "clean")[0], latents(comfy, run)
    assert torch.equal(found[0], clean), "t0 0 is the guide"
    assert torch.equal(found[1][..., 32:], clean[..., 32:])
    assert not torch.equal(found[1][..., :32], clean[..., :32])


def test_sweep(comfy):
    run = succeed(comfy, save_latent(sweep("0.2:0.4:3"), ["it", 3]))
    assert pictures(comfy, run).shape == (3, 64, 64, 3)
    assert latents(comfy, run).shape == (3, 3, 64, 64)
    assert pictures(comfy, run, "sheet").shape[2] > 4 * 250
    assert pictures(comfy, run, "plot").shape[1:] == (480, 1100, 3)
    found = table(run)
    assert [float(row["t0"]) for row in found] == [0.2, 0.3, 0.4]
    change = [float(row["l2"]) for row in found]
    assert change == sorted(change) and change[0] > 0.0
    assert all(float(row["realism"]) > 0.0 and float(row["strict_l2"]) > 0.0 for row in found)
    assert [int(row["nfe"]) for row in found] == [3, 3, 3]
    assert "built-in model's own pictures" in run.text("report")
    assert [p[1:] for p in run.progress if p[0] == "it"][-1] == (9, 9)
    assert run.previews


@pytest.mark.parametrize("eta", [1.0, 0.5])
def test_a_cell_is_the_run_of_the_two_nodes(comfy, eta):
    """Below eta 1 auto is another solver on another grid: both nodes must choose both."""
    swept = latents(comfy, succeed(comfy, save_latent(sweep("0.2, 0.36", steps=4, eta=eta), ["it", 3])))[1]
    graph = edit(t0=0.36, steps=4, seed=2, sampler_seed=2)
    graph["sample"]["inputs"]["eta"] = eta
    single = latents(comfy, succeed(comfy, save_latent(graph, ["sample", 0])))
    change = (swept - single[0]).abs()  # LATENT is [-1, 1]: the way there and back rounds, ties may fall otherwise
    assert float(change.mean()) < 1e-4 and float(change.max()) < 0.02


def test_sweep_honours_the_mask(comfy, base):
    graph = save_latent(sweep("0.4", mask=left_half(comfy, base), predict=True), ["it", 3])
    run = succeed(comfy, save_latent(graph, ["encode", 0], "clean"))
    clean, found = latents(comfy, run, "clean")[0], latents(comfy, run)[0]
    assert torch.equal(found[..., 32:], clean[..., 32:])
    assert not torch.equal(found[..., :32], clean[..., :32])
    assert "50 % of the picture" in run.text("report")
    assert float(table(run)[0]["predicted_l2"]) > 0.0 and int(table(run)[0]["nfe"]) == 4
    assert pictures(comfy, run, "plot").shape[1:] == (480, 1100, 3), "a single value gives a sentence, not a failure"


def test_sweep_with_nothing_to_change_and_soft_masks(comfy):
    run = succeed(comfy, sweep("0.3", mask=node("SolidMask", value=0.0, width=64, height=64)))
    assert "nothing may change" in run.text("report") and float(table(run)[0]["l2"]) == 0.0
    run = succeed(comfy, sweep("0.3", mask=node("SolidMask", value=0.5, width=64, height=64)))
    assert "soft" in run.text("report") and float(table(run)[0]["l2"]) > 0.0
    run = succeed(comfy, probe("0.3", mask=node("SolidMask", value=0.5, width=64, height=64)))
    assert "not with a soft mask" in run.text("report")


def test_sweep_of_a_batch_with_a_reference(comfy):
    graph = sweep("0.2, 0.3", steps=2, reference=["guide", 2])
    graph["repeat"] = node("RepeatLatentBatch", samples=["encode", 0], amount=2)
    graph["it"]["inputs"]["latent"] = ["repeat", 0]
    run = succeed(comfy, graph)
    assert pictures(comfy, run).shape[0] == 4
    assert "1 reference pictures" in run.text("report")


def test_cancel_leaves_the_finished_values(comfy):
    graph = sweep("0.1:0.7:40", steps=3)
    run = comfy.run(graph, cancel_after_previews=5)
    assert run.status == "success", run.error
    found = table(run)
    assert 1 <= len(found) < 40 and pictures(comfy, run).shape[0] == len(found)
    assert "Cancelled" in run.text("report")
    assert len(table(succeed(comfy, graph))) == 40, "the cancelled sweep is not taken from the cache"


def test_cancel_can_stop_everything(comfy):
    graph = sweep("0.2:0.7:8", size=128, steps=12, keep_on_cancel=False)
    run = comfy.run(graph, cancel_after_previews=8)
    assert run.status == "interrupted" and comfy.alive()
    run = comfy.run(sweep("0.4, 0.5", size=128, steps=400), cancel_after_previews=1)
    assert run.status == "interrupted", "nothing was finished"


def test_picks_look_closer_and_set_t0(comfy):
    """Pick, queue again, pick: the whole search is in the widget, and the noise node gets the t0 that was picked."""

    def searched(picks):
        graph = save_latent(sweep("0.2, 0.3, 0.4", picks=picks), ["it", 3])
        graph["noise"] = node("SDEdit_AddVENoise", model=["loader", 0], latent=["encode", 0], t0=["it", 6], seed=1)
        graph["readout"] = node("PreviewAny", source=["noise", 2])
        return succeed(comfy, graph)

    first, second, third = searched(""), searched("2"), searched("2 3")
    assert [float(row["t0"]) for row in table(second)] == [0.25, 0.3, 0.35]
    assert [float(row["t0"]) for row in table(third)] == [0.325, 0.35, 0.375]
    assert torch.equal(latents(comfy, first)[1], latents(comfy, second)[1]), "the picked picture is shown again"
    assert "put the number" in first.text("report") and "between 0.3 and 0.4" in third.text("report")
    assert "0.35" in third.text("readout") and "0.3" in second.text("readout")
    best = [float(row["realism"]) for row in table(first)]
    assert len(best) == 3 and any(f"t0 {t0}" in first.text("readout") for t0 in ("0.2", "0.3", "0.4"))


def test_a_sweep_costs_no_more_than_its_single_runs(comfy):
    """Eight t0 values: as many evaluations as eight runs, and no work beside them that a single run has not."""
    run = succeed(comfy, sweep("0.1:0.8:8", steps=4))
    assert sum(int(row["nfe"]) for row in table(run)) == 8 * 4
    assert [p[1:] for p in run.progress if p[0] == "it"][-1] == (32, 32)


def test_wrong_inputs_are_explained(comfy):
    def error(graph):
        run = comfy.run(graph)
        assert run.status == "error" and "ValueError" in run.error, run.error
        return run.error

    assert "start:stop:count" in error(sweep("0.2, many"))
    assert "start:stop:count" in error(probe(""))
    assert "pictures 1 to 2" in error(sweep("0.2, 0.3", picks="3"))
    noised = probe()
    noised["noise"] = node("SDEdit_AddVENoise", model=["loader", 0], latent=["encode", 0], t0=0.3, seed=1)
    noised["it"]["inputs"]["latent"] = ["noise", 0]
    assert "clean latent" in error(noised)


def pair(**report):
    graph = edit()
    graph["compare"] = node("SDEdit_EditReport", guide=["guide", 0], picture=["decode", 0], **report)
    graph["words"] = node("PreviewAny", source=["compare", 0])
    graph["heat"] = node("SaveImage", images=["compare", 1], filename_prefix="t")
    return graph


def test_edit_report(comfy, base):
    graph = pair(run_report=["sample", 2], mask=["half", 0])
    graph["half"] = left_half(comfy, base)
    graph["noise"]["inputs"]["mask"] = ["half", 0]
    run = succeed(comfy, graph)
    words = run.text("words")
    assert "SSIM" in words and "inside" in words and "3 evaluations" in words
    assert "equal" in next(line for line in words.splitlines() if line.startswith("outside"))
    heat = pictures(comfy, run, "heat")
    assert heat.shape[0] == 1 and heat.shape[1] > 64 and heat.shape[2] == 64
    assert heat[0, :64, 40:].max() <= 4 < heat[0, :64, :30].max(), "dark where nothing moved"


def test_edit_report_on_two_sizes(comfy):
    graph = pair()
    graph["small"] = node("ImageScale", image=["guide", 0], upscale_method="area", width=32, height=48, crop="disabled")
    graph["compare"]["inputs"]["guide"] = ["small", 0]
    run = comfy.run(graph)
    assert run.status == "error" and "guide is 32 x 48 px" in run.error and "Upscale Image" in run.error


def strokes(**inputs):
    inputs = {"image": ["photo", 2], "colours": 6, "kernel": 0} | inputs
    return {
        "photo": node("SDEdit_ExampleGuide", name="lake", width=64, height=64),
        "it": node("SDEdit_SimulateStrokes", **inputs),
        "save": node("SaveImage", images=["it", 0], filename_prefix="t"),
        "grey": node("MaskToImage", mask=["it", 1]),
        "mask": node("SaveImage", images=["grey", 0], filename_prefix="t"),
    }


def test_simulate_strokes(comfy):
    run = succeed(comfy, strokes())
    assert len(np.unique(pictures(comfy, run)[0].reshape(-1, 3), axis=0)) <= 6
    assert pictures(comfy, run, "mask").min() == 255
    run = comfy.run(strokes(kernel=4))
    assert run.status == "error" and "odd" in run.error


def test_simulate_strokes_on_what_was_pasted(comfy, base):
    square = np.full((16, 16, 3), (200, 30, 40), np.uint8)
    graph = strokes(image=["paste", 0], original=["photo", 2], grow=2)
    graph["square"] = node("LoadImage", image=put_image(comfy, base, "square.png", square))
    where = {"x": 20, "y": 30, "resize_source": False}
    graph["paste"] = node("ImageCompositeMasked", destination=["photo", 2], source=["square", 0], **where)
    graph["before"] = node("SaveImage", images=["photo", 2], filename_prefix="t")
    run = succeed(comfy, graph)
    mask, before, after = (pictures(comfy, run, name)[0] for name in ("mask", "before", "save"))
    expected = np.zeros((64, 64), bool)
    expected[28:48, 18:38] = True
    assert np.array_equal(mask[..., 0] == 255, expected)
    assert np.array_equal(before[~expected], after[~expected])
