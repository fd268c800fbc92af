"""A model that ``sdedit train`` has just written, in the stroke workflow of a running ComfyUI."""

import numpy as np
import pytest
from graphs import WORKFLOWS, load, node, pictures
from PIL import Image
from tiny_files import core

COLOUR, SPREAD, SIZE = (60, 110, 190), 20.0, 16


@pytest.fixture(scope="module")
def trained(base, tmp_path_factory):
    """Names of a trained and of an untrained model of noise around one colour, in models/score_models."""
    folder = tmp_path_factory.mktemp("pictures")
    random = np.random.default_rng(0)
    for i in range(200):
        noise = random.normal(COLOUR, SPREAD, (SIZE, SIZE, 3)).clip(0, 255).round().astype(np.uint8)
        Image.fromarray(noise).save(folder / f"{i}.png")
    for name, steps in (("mine", 600), ("hardly_trained", 1)):
        path = base / "models" / "score_models" / f"{name}.safetensors"
        command = ["train", str(folder), "-o", str(path), "--size", str(SIZE), "--network", "tiny", "--batch", "32"]
        assert core("cli.main").main([*command, "--steps", str(steps), "--rate", "4e-3", "--device", "cpu"]) == 0
    yield "mine.safetensors", "hardly_trained.safetensors"
    for path in (base / "models" / "score_models").glob("*.state.safetensors"):
        path.unlink()
    for name in ("mine", "hardly_trained"):
        (base / "models" / "score_models" / f"{name}.safetensors").unlink()


def stroke_workflow(name):
    """The shipped workflow with this model, at the size that the model saw."""
    graph = load(WORKFLOWS / "api" / "03 Strokes to picture.json")
    for each in graph.values():
        chosen = {"model_name": name, "width": 64, "height": 64, "t0": 0.5, "steps": 12}
        each["inputs"].update({key: value for key, value in chosen.items() if key in each["inputs"]})
    only = {kind: key for key, kind in ((key, each["class_type"]) for key, each in graph.items())}
    guide, encode = only["SDEdit_ExampleGuide"], only["VAEEncode"]
    options = {"upscale_method": "area", "width": SIZE, "height": SIZE, "crop": "disabled"}
    graph["small"] = node("ImageScale", image=[guide, 0], **options)
    graph[encode]["inputs"]["pixels"] = ["small", 0]
    graph["info"] = node("PreviewAny", source=[only["SDEdit_ScoreModelLoader"], 2])
    return graph, only["SaveImage"]


def test_a_trained_model_runs_in_the_stroke_workflow(comfy, trained):
    far = []
    for name in trained:
        graph, save = stroke_workflow(name)
        run = comfy.run(graph)
        assert run.status == "success", run.error
        assert "trained by denoising score matching" in run.text("info") and "EMA" in run.text("info")
        picture = pictures(comfy, run, save)[0].astype(float)
        far.append(np.abs(picture.mean((0, 1)) - COLOUR).max())
        if name == trained[0]:  # strokes of a landscape have become what the model knows: this colour, this noise
            assert far[0] < 10 and 0.7 * SPREAD < picture.std((0, 1)).mean() < 1.4 * SPREAD
    assert far[0] < 0.5 * far[1]


def test_only_the_model_is_offered(comfy, trained, base):
    assert (base / "models" / "score_models" / "mine.state.safetensors").exists()
    (base / "models" / "score_models" / ".mine.part.safetensors").write_bytes(b"half")
    info = comfy.json("/object_info/SDEdit_ScoreModelLoader")["SDEdit_ScoreModelLoader"]
    names = info["input"]["required"]["model_name"][0]
    assert "mine.safetensors" in names
    assert not [n for n in names if n.endswith((".state.safetensors", ".part.safetensors"))]
