"""Every option about a checkpoint: what it takes, what it refuses; and where a folder's files may lie."""

import pytest

from sdedit_core.checkpoints.overrides import Overrides
from sdedit_core.checkpoints.places import locate

WORDS = {
    "sde": ("ve", "vp", "edm", "ve-discrete", "vp-discrete", "vp-continuous", "subvp", "iddpm", "consistency"),
    "noise_schedule": ("linear", "scaled_linear", "cosine", "sigmoid", "sigmoid-betas"),
    "prediction": ("eps", "v", "x0"),
}


@pytest.mark.parametrize("key", WORDS)
def test_words(key):
    for word in WORDS[key]:
        assert getattr(Overrides.make({key: word}), key) == word
    for bad in ("", "VE", "other", 3, ["ve"]):
        with pytest.raises(ValueError, match=rf"{key} must be one of {', '.join(WORDS[key])}, got"):
            Overrides.make({key: bad})


@pytest.mark.parametrize("key", ["use_new_attention_order", "fir", "skip_rescale"])
def test_yes_or_no(key):
    assert getattr(Overrides.make({key: True}), key) is True and getattr(Overrides.make({key: False}), key) is False
    for bad in (1, 0, "yes"):
        with pytest.raises(ValueError, match=rf"{key} must be true or false"):
            Overrides.make({key: bad})


@pytest.mark.parametrize("key", ["image_size", "num_heads", "num_head_channels"])
def test_whole_numbers(key):
    value = getattr(Overrides.make({key: 4.0}), key)
    assert value == 4 and type(value) is int
    for bad in (0, 16385, True, "4"):
        with pytest.raises(ValueError, match=rf"{key} must be a number above 0 and at most 16384"):
            Overrides.make({key: bad})


def test_ranges():
    assert Overrides.make({"data_range": [0, 1]}).data_range == (0.0, 1.0)
    for bad in ((1, 0), (1, 1), (0,), (0, 1, 2), 3, "ab", (0, "x"), (0, float("nan"))):
        with pytest.raises(ValueError, match="data_range must be two numbers, low < high"):
            Overrides.make({"data_range": bad})


def test_names_are_cut_and_unknown_options_named():
    assert Overrides.make({"name": "x" * 300}).name == "x" * 200
    assert Overrides.make({"fir": None}) == Overrides()
    with pytest.raises(ValueError, match=r"Unknown option a, b; known options are data_range, fir, "):
        Overrides.make({"b": 1, "a": 2})
    first, second = Overrides.make({"sde": "ve", "fir": False}), Overrides.make({"sde": "vp", "fir": True, "name": "n"})
    assert first.or_else(second) == Overrides.make({"sde": "ve", "fir": False, "name": "n"})


@pytest.mark.parametrize("where", ["unet", "unet_ema", ".", "model"])
@pytest.mark.parametrize("weights", ["ema", "raw"])
def test_a_network_is_found_in_a_folder_by_its_two_files(tmp_path, where, weights):
    with pytest.raises(ValueError, match="holds no diffusers network"):
        locate(tmp_path, weights)
    folder = tmp_path / where
    folder.mkdir(exist_ok=True)
    (folder / "model.bin").write_bytes(b"")
    with pytest.raises(ValueError, match="holds no diffusers network"):
        locate(tmp_path, weights)  # without its description
    (folder / "config.json").write_text("{}")
    assert locate(tmp_path, weights) == (folder / "model.bin", {}, None, {})
    (folder / "model.bin").unlink()
    with pytest.raises(ValueError, match="holds no diffusers network"):
        locate(tmp_path, weights)


@pytest.mark.parametrize("where", ["unet", "unet/scheduler", "scheduler"])
def test_a_scheduler_is_found_in_beside_and_below_its_network(tmp_path, where):
    for folder in ("unet", where):
        (tmp_path / folder).mkdir(parents=True, exist_ok=True)
    (tmp_path / "unet" / "config.json").write_text("{}")
    (tmp_path / "unet" / "model.bin").write_bytes(b"")
    assert locate(tmp_path, "ema")[2] is None
    (tmp_path / where / "scheduler_config.json").write_text('{"a": 1}')
    assert locate(tmp_path, "ema")[2] == {"a": 1}


@pytest.mark.parametrize("key", ["down_block_types", "block_out_channels"])
def test_a_description_of_diffusers_beside_a_file_is_no_list_of_options(tmp_path, key):
    file = tmp_path / "a.bin"
    file.write_bytes(b"")
    (tmp_path / "a.json").write_text(f'{{"{key}": []}}')
    assert locate(file, "ema") == (file, {key: []}, None, {})
