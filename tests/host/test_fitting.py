"""Fit Image to Model and Unfit Image inside ComfyUI."""

import numpy as np
import pytest
from graphs import edit, node, pictures, put_image


def photo(comfy, base, name="odd.png", size=(50, 75), channels=3):
    array = np.random.default_rng(1).integers(0, 256, (*size, channels), dtype=np.uint8)
    put_image(comfy, base, name, array)
    return array


def fit_graph(model_name, method, size="native", image="odd.png", **options):
    graph = edit(**options)
    graph["loader"] = node("SDEdit_ScoreModelLoader", model_name=model_name)
    graph["photo"] = node("LoadImage", image=image)
    graph["fit"] = node("SDEdit_FitImage", model=["loader", 0], image=["photo", 0], method=method, size=size)
    graph["encode"]["inputs"]["pixels"] = ["fit", 0]
    graph["unfit"] = node("SDEdit_UnfitImage", image=["decode", 0], undo=["fit", 2])
    graph["save"]["inputs"]["images"] = ["unfit", 0]
    graph["info"] = node("PreviewAny", source=["fit", 3])
    return graph


@pytest.mark.parametrize("method", ["crop", "pad", "stretch"])
@pytest.mark.parametrize("size", ["native", "nearest"])
def test_a_network_edits_a_picture_of_any_size(comfy, base, method, size):
    array = photo(comfy, base)
    run = comfy.run(fit_graph("tiny_ve.safetensors", method, size))
    assert run.status == "success", run.error
    result = pictures(comfy, run)[0]
    assert result.shape == array.shape and (result != array).mean() > 0.3
    if size == "native":
        assert "75 x 50 to 32 x 32" in run.text("info")
    if method == "crop":
        assert np.array_equal(result[:, 0], array[:, 0]) or size == "nearest", "what was cropped away is back"


@pytest.mark.parametrize("method", ["crop", "pad", "stretch"])
def test_an_unedited_picture_comes_back_to_the_byte(comfy, base, method):
    array = photo(comfy, base)
    run = comfy.run(fit_graph("tiny_ve.safetensors", method, t0=0.0))
    assert run.status == "success", run.error
    assert np.array_equal(pictures(comfy, run)[0], array)


def test_built_in_models_leave_the_picture_alone(comfy, base):
    array = photo(comfy, base)
    run = comfy.run(fit_graph("landscape-alpine", "crop", t0=0.0))
    assert run.status == "success", run.error
    assert "nothing to do" in run.text("info") and np.array_equal(pictures(comfy, run)[0], array)


def test_mask_is_fitted_and_the_kept_part_stays_exact(comfy, base):
    array = photo(comfy, base)
    mask = np.zeros((50, 75), np.uint8)
    mask[20:35, 30:50] = 255
    put_image(comfy, base, "odd_mask.png", np.stack([mask] * 3, axis=-1))
    graph = fit_graph("tiny_ve.safetensors", "pad", "nearest")
    graph["mask"] = node("LoadImageMask", image="odd_mask.png", channel="red")
    graph["fit"]["inputs"]["mask"] = ["mask", 0]
    graph["noise"]["inputs"]["mask"] = ["fit", 1]
    run = comfy.run(graph)
    assert run.status == "success", run.error
    result = pictures(comfy, run)[0]
    assert np.array_equal(result[mask == 0], array[mask == 0]) and (result[mask > 0] != array[mask > 0]).mean() > 0.5


def test_models_of_the_host_say_their_multiple(comfy, base, checkpoint):
    photo(comfy, base)
    graph = fit_graph("landscape-alpine", "pad")
    graph["sd"] = node("CheckpointLoaderSimple", ckpt_name=checkpoint)
    graph["fit"]["inputs"]["model"] = ["sd", 0]
    for name in ("noise", "sample", "decode", "unfit", "save", "report", "readout", "encode"):
        del graph[name]
    graph["save"] = node("SaveImage", images=["fit", 0], filename_prefix="t")
    run = comfy.run(graph)
    assert run.status == "success", run.error
    assert pictures(comfy, run).shape == (1, 56, 80, 3) and "no size of its own" in run.text("info")


def test_a_batch_of_results_from_one_picture(comfy, base):
    array = photo(comfy, base)
    graph = fit_graph("tiny_ve.safetensors", "crop", "native", batch=3)
    run = comfy.run(graph)
    assert run.status == "success", run.error
    result = pictures(comfy, run)
    assert result.shape == (3, *array.shape) and not np.array_equal(result[0], result[1])


def test_a_picture_with_alpha_is_explained(comfy, base):
    photo(comfy, base)
    graph = fit_graph("tiny_ve.safetensors", "crop")
    graph["alpha"] = node("JoinImageWithAlpha", image=["photo", 0], alpha=["photo", 1])
    graph["fit"]["inputs"]["image"] = ["alpha", 0]
    run = comfy.run(graph)
    assert run.status == "error" and "3 colour channels, got 4" in run.error and "Fit Image to Model" in run.error
    assert comfy.alive()


def test_a_result_of_another_size_is_explained(comfy, base):
    photo(comfy, base)
    graph = fit_graph("tiny_ve.safetensors", "crop")
    graph["up"] = node("ImageScaleBy", image=["decode", 0], upscale_method="area", scale_by=2.0)
    graph["unfit"]["inputs"]["image"] = ["up", 0]
    run = comfy.run(graph)
    assert run.status == "error" and "32 x 32" in run.error and comfy.alive()


def masked(size, box):
    """A mask as picture, white in a box of (top, bottom, left, right)."""
    mask = np.zeros(size, np.uint8)
    mask[box[0] : box[1], box[2] : box[3]] = 255
    return np.stack([mask] * 3, axis=-1)


def around_graph(comfy, base, box, size=(51, 77), **options):
    """Photo and mask by t0 Map through a window around the mask, edited and pasted back."""
    put_image(comfy, base, "around_mask.png", masked(size, box))
    graph = fit_graph("tiny_ve.safetensors", "around mask")
    graph["mask"] = node("LoadImageMask", image="around_mask.png", channel="red")
    lay = {"base_t0": 0.0, "feather": 0, "feather_side": "in", "t0_1": 0.5, **options}
    graph["map"] = node("SDEdit_T0Map", mask_1=["mask", 0], **lay)
    graph["heat"] = node("PreviewImage", images=["map", 2])
    graph["told"] = node("PreviewAny", source=["map", 3])
    graph["fit"]["inputs"]["mask"] = ["map", 0]
    graph["noise"]["inputs"] |= {"mask": ["fit", 1], "t0": ["map", 1]}
    return graph


def kept_and_changed(result, array, box):
    inside = np.zeros(array.shape[:2], bool)
    inside[box[0] : box[1], box[2] : box[3]] = True
    return np.array_equal(result[~inside], array[~inside]), float((result[inside] != array[inside]).mean())


BOXES = {"middle": (20, 33, 30, 47), "border": (0, 9, 60, 77), "whole": (0, 51, 0, 77), "pixel": (25, 26, 40, 41)}


@pytest.mark.parametrize("box", BOXES.values(), ids=BOXES)
@pytest.mark.parametrize("feather", [0, 3])
def test_a_window_around_the_mask_and_nothing_else_changes(comfy, base, box, feather):
    array = photo(comfy, base, size=(51, 77))
    graph = around_graph(comfy, base, box, feather=feather)
    graph["unfit"]["inputs"] |= {"feather": feather, "colour_match": True}
    run = comfy.run(graph)
    assert run.status == "success", run.error
    kept, changed = kept_and_changed(pictures(comfy, run)[0], array, box)
    starts = "t0 0.125" if feather and box == BOXES["pixel"] else "t0 0.5"  # a pixel is all edge
    assert kept and changed > 0.3 and "to 32 x 32" in run.text("info") and starts in run.text("told")
    assert pictures(comfy, run, "heat").shape[2] == 384


def test_an_empty_mask_gives_the_photo_back(comfy, base):
    array = photo(comfy, base, size=(51, 77))
    run = comfy.run(around_graph(comfy, base, (0, 0, 0, 0)))
    assert run.status == "success", run.error
    assert np.array_equal(pictures(comfy, run)[0], array)
    assert "the mask is empty" in run.text("info") and "nothing may change" in run.text("told")


@pytest.mark.parametrize("crop_size", [0, 64])
def test_a_latent_model_keeps_every_pixel_outside_bit_for_bit(comfy, base, checkpoint, crop_size):
    """Its VAE changes every pixel of the window; the batch shares the window."""
    box = (20, 33, 30, 47)
    array = photo(comfy, base, size=(51, 77))
    graph = around_graph(comfy, base, box, base_t0=0.0)
    graph["loader"] = node("CheckpointLoaderSimple", ckpt_name=checkpoint)
    for name in ("encode", "decode"):
        graph[name]["inputs"]["vae"] = ["loader", 2]
    graph["prompt"] = node("TestRandomPrompt", seed=1, width=1024, pooled=32)
    graph["sample"]["inputs"]["positive"] = ["prompt", 0]
    size = "nearest" if crop_size == 0 else "native"
    graph["fit"]["inputs"] |= {"crop_size": crop_size, "context": 0.3, "size": size}
    graph["twice"] = node("RepeatImageBatch", image=["photo", 0], amount=2)
    graph["fit"]["inputs"]["image"] = ["twice", 0]
    run = comfy.run(graph)
    assert run.status == "success", run.error
    result = pictures(comfy, run)
    assert result.shape == (2, *array.shape)
    for one in result:
        kept, changed = kept_and_changed(one, array, box)
        assert kept and changed > 0.5
