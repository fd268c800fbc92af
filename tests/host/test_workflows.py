"""Every workflow we ship runs to its end in a real ComfyUI, on small pictures and tiny files."""

import re

import numpy as np
import pytest
from graphs import api_workflows, edit, load, node, pictures
from today import skip_if_unknown, small_graph, text_of

NOISE = "Add VE Noise at t0"
WORKFLOWS = {path.stem: path for path in api_workflows()}
SMALL_STEPS = 3


def small(name, request):
    """The workflow on small pictures; built-in models take fewer steps, today's have tiny files and keep theirs."""
    skip_if_unknown(name, request.getfixturevalue("comfy"))
    graph = load(WORKFLOWS[name])
    if text_of([value for node in graph.values() for value in node["inputs"].values()]) is None:
        for node in graph.values():
            node["inputs"].update({"steps": SMALL_STEPS} if "steps" in node["inputs"] else {})
    else:
        request.getfixturevalue("todays_models")
    return small_graph(graph)


def one(graph, kind, title=None):
    """The inputs of the node of a kind, and of a title where there are several."""
    found = [n["inputs"] for n in graph.values() if n["class_type"] == kind]
    found = found if title is None else [n["inputs"] for n in graph.values() if n["_meta"]["title"] == title]
    assert len(found) == 1, f"{len(found)} {kind}"
    return found[0]


def texts(graph, run):
    """What Preview as Text showed, by the titles of the nodes."""
    return {graph[key]["_meta"]["title"]: out["text"][0] for key, out in run.outputs.items() if "text" in out}


def succeed(comfy, graph, **options):
    run = comfy.run(graph, timeout=1200, **options)
    assert run.status == "success", run.error
    return run


@pytest.mark.parametrize("name", WORKFLOWS)
def test_api_workflow_runs(comfy, request, name):
    graph = small(name, request)
    run = succeed(comfy, graph)
    assert any("images" in output for output in run.outputs.values())
    if {"SDEdit_ScoreModelLoader", "SDEdit_ReverseSDESampler"} <= {node["class_type"] for node in graph.values()}:
        assert run.previews, "live preview on the node"
    assert comfy.alive()


@pytest.mark.parametrize("name", [name for name in WORKFLOWS if name.startswith(("10", "11"))])
@pytest.mark.parametrize("t0", [0.3, 0.9])
def test_few_steps_are_all_run_at_any_strength(comfy, request, name, t0):
    graph = small(name, request)
    steps = one(graph, "SDEdit_ReverseSDESampler")["steps"]
    one(graph, "SDEdit_AddVENoise")["t0"] = t0
    report = texts(graph, succeed(comfy, graph))["Report"]
    assert "solver few_step" in report and f", {steps} steps, {steps} evaluations" in report
    assert f"noise share {t0:.3g}" in report


@pytest.mark.parametrize("number", ["09", "10", "13"], ids=["strokes on a photo", "a painting", "a composite"])
def test_the_mask_decides_what_is_kept(comfy, request, number):
    """The mask of a painting is all white, that of an edit is not, and what it keeps is in the file as it came."""
    graph = small(next(name for name in WORKFLOWS if name.startswith(number)), request)
    for kind in ("SDEdit_StrokeCanvas", "SDEdit_ExampleGuide"):
        for inputs in (n["inputs"] for n in graph.values() if n["class_type"] == kind):
            inputs.update(width=128, height=128)
    keys = {node["class_type"]: key for key, node in graph.items()}
    graph["any"] = node("ThresholdMask", mask=[keys["GrowMask"], 0], value=0.0)  # the rims of strokes are soft
    graph["grey"] = node("MaskToImage", mask=["any", 0])
    graph["mask"] = node("PreviewImage", images=["grey", 0])
    graph["painted"] = node("PreviewImage", images=[keys["SDEdit_StrokeCanvas"], 0])
    run = succeed(comfy, graph)
    painted, mask, saved = (pictures(comfy, run, key) for key in ("painted", "mask", keys["SaveImage"]))
    assert (mask.min() == 255) == (number == "10")
    assert (saved[mask == 0] == painted[mask == 0]).all()
    assert (saved[mask == 255] != painted[mask == 255]).any()


def test_qwen_image_with_its_lightning_lora(comfy, request):
    """As the template's note says: the LoRA on, steps 8, cfg 1, few_step, eta 0."""
    name = "12 Qwen-Image, strokes and masks"
    graph = small(name, request)
    assert not any(node["class_type"] == "LoraLoaderModelOnly" for node in graph.values()), "bypassed in the template"
    sampler, shift = one(graph, "SDEdit_ReverseSDESampler"), one(graph, "ModelSamplingAuraFlow")
    sampler.update(steps=8, cfg=1.0, solver="few_step", eta=0.0)
    plain = texts(graph, succeed(comfy, graph))["Report"]
    lora = {"model": shift["model"], "lora_name": "Qwen-Image-Lightning-8steps-V1.0.safetensors", "strength_model": 1.0}
    graph["lora"] = {"class_type": "LoraLoaderModelOnly", "inputs": lora, "_meta": {"title": "LoRA"}}
    shift["model"] = ["lora", 0]
    report = texts(graph, succeed(comfy, graph))["Report"]
    assert "solver few_step, 8 steps, 8 evaluations" in report
    change = [line for line in report.splitlines() if "RMS" in line]
    assert change and change != [line for line in plain.splitlines() if "RMS" in line], "the LoRA changes the picture"


@pytest.mark.parametrize("before", [True, False], ids=["before the noise", "after the noise"])
def test_picture_three_of_a_batch_again(comfy, before):
    """As the README says: Latent From Batch, batch_index 2, and the same seeds."""
    whole = edit(batch=4)
    batch = pictures(comfy, succeed(comfy, whole))
    assert len(batch) == 4 and (batch[2] != batch[0]).any()
    graph = edit(batch=4)
    graph["one"] = node("LatentFromBatch", samples=["repeat" if before else "noise", 0], batch_index=2, length=1)
    graph["noise" if before else "sample"]["inputs"]["latent"] = ["one", 0]
    again = pictures(comfy, succeed(comfy, graph))
    assert len(again) == 1 and (again[0] == batch[2]).all()


WAN = "14 Wan 2.2, video to video"


def test_wan_hands_over_from_expert_to_expert(comfy, request):
    """The first run stops at the level where the second begins, and the second still knows the clean guide."""
    graph = small(WAN, request)
    low = next(key for key, node in graph.items() if node["_meta"]["title"] == "Low noise")
    high = next(key for key, node in graph.items() if node["_meta"]["title"] == "High noise")
    report = next(node for node in graph.values() if node["_meta"]["title"] == "Report")
    graph["first"] = {**report, "inputs": {"source": [high, 2]}, "_meta": {"title": "First report"}}
    run = succeed(comfy, graph)
    shown = texts(graph, run)
    assert {node for node, _, _ in run.progress} >= {low, high}, "both experts ran"
    begun = [float(re.search(r"noise share ([\d.]+)", shown[key]).group(1)) for key in ("First report", "Report")]
    assert begun[0] == pytest.approx(0.92, abs=1e-3) and 0.86 < begun[1] < 0.89, begun
    assert "3 steps" in shown["First report"] and "17 steps" in shown["Report"]
    assert "without a clean guide" not in shown["Report"] and "not used" not in shown["Report"]


def test_wan_below_the_hand_over_runs_the_low_noise_expert_alone(comfy, request):
    """As the note says: High noise bypassed, step 0."""
    graph = small(WAN, request)
    for kind in ("SDEdit_AddVENoise", "SDEdit_SigmasFromT0"):
        one(graph, kind)["t0"] = 0.7
    one(graph, "SplitSigmas")["step"] = 0
    high = next(key for key, node in graph.items() if node["_meta"]["title"] == "High noise")
    one(graph, "", "Low noise")["latent"] = graph.pop(high)["inputs"]["latent"]
    report = texts(graph, succeed(comfy, graph))["Report"]
    assert "20 steps" in report and "noise share 0.7" in report


def test_wan_in_four_steps(comfy, request):
    """As the note says: the LoRAs on, steps 4, split 1, few_step, cfg 1, eta 0."""
    graph = small(WAN, request)
    one(graph, "SDEdit_SigmasFromT0")["steps"] = 4
    one(graph, "SplitSigmas")["step"] = 1
    for title in ("High noise", "Low noise"):
        one(graph, "", title).update(solver="few_step", cfg=1.0, eta=0.0)
    plain = texts(graph, succeed(comfy, graph))["Report"]
    for noise in ("high", "low"):
        loader = next(key for key, node in graph.items() if f"{noise}_noise" in node["inputs"].get("unet_name", ""))
        shift = next(node["inputs"] for node in graph.values() if node["inputs"].get("model") == [loader, 0])
        name = f"wan2.2_t2v_lightx2v_4steps_lora_v1.1_{noise}_noise.safetensors"
        lora = {"model": [loader, 0], "lora_name": name, "strength_model": 1.0}
        graph[f"lora {noise}"] = {"class_type": "LoraLoaderModelOnly", "inputs": lora, "_meta": {"title": "LoRA"}}
        shift["model"] = [f"lora {noise}", 0]
    report = texts(graph, succeed(comfy, graph))["Report"]
    assert "3 steps, 3 evaluations" in report
    change = [line for line in report.splitlines() if "RMS" in line]
    assert change and change != [line for line in plain.splitlines() if "RMS" in line], "the LoRAs change the video"


DRAG = "16 Wan 2.2, drag a cut-out"


def test_drag_starts_each_frame_of_the_cutout_later_than_the_rest(comfy, request):
    """The map of the noised latent: two levels, the lower one where the square of that frame is."""
    graph = small(DRAG, request)
    noise, high = (next(k for k, n in graph.items() if n["_meta"]["title"] == t) for t in (NOISE, "High noise"))
    said = {"First report": [high, 2], "Noise": [noise, 2], "Clocks": [one_key(graph, "SDEdit_T0Map"), 3]}
    report = next(node for node in graph.values() if node["_meta"]["title"] == "Report")
    for title, source in said.items():
        graph[title] = {**report, "inputs": {"source": source}, "_meta": {"title": title}}
    graph["latent"] = node("SaveLatent", samples=[noise, 0], filename_prefix="t")
    graph["latent"]["_meta"] = {"title": "Latent"}
    shown = texts(graph, succeed(comfy, graph))
    assert "noise share 0.98" in shown["Clocks"] and "noise share 0.96" in shown["Clocks"]
    assert "of them" in shown["Clocks"], "a map for every frame"
    begun = [float(re.search(r"noise share ([\d.]+)", shown[key]).group(1)) for key in ("First report", "Report")]
    assert begun[0] == pytest.approx(0.98, abs=1e-3) and 0.88 < begun[1] < 0.9, begun
    assert "6 steps" in shown["First report"] and "14 steps" in shown["Report"]
    assert "without a clean guide" not in shown["Report"] and "not used" not in shown["Report"]


def test_drag_reads_the_first_frame_and_the_mask(comfy, request):
    """Another mask, another video: what the second video shows matters, and so does the first frame."""
    graph = small(DRAG, request)
    plain = decoded(comfy, graph)
    other = small(DRAG, request)
    one(other, "SDEdit_T0Map")["t0_1"] = 0.7
    assert not np.array_equal(decoded(comfy, other), plain)
    without = small(DRAG, request)
    del one(without, "WanImageToVideo")["start_image"]
    assert not np.array_equal(decoded(comfy, without), plain)


def decoded(comfy, graph):
    """The frames of a video workflow."""
    graph["frames"] = node("PreviewImage", images=[one_key(graph, "VAEDecode"), 0]) | {"_meta": {"title": "Frames"}}
    return pictures(comfy, succeed(comfy, graph), "frames")


def one_key(graph, kind):
    (key,) = (key for key, node in graph.items() if node["class_type"] == kind)
    return key


def test_preview_and_cancel_with_a_checkpoint(comfy, request):
    graph = small("09 SDXL, strokes and masks", request)
    one(graph, "SDEdit_ReverseSDESampler")["steps"] = 500
    run = comfy.run(graph, preview_method="latent2rgb", cancel_after_previews=2)
    assert run.status == "interrupted" and len(run.previews) >= 2
    assert max(p[1] for p in run.progress) < 500 and comfy.alive()
