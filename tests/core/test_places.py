"""Networks that lie in several files, or beside their twin: which are read, and which weights they are."""

from __future__ import annotations

import json

import pytest
import torch
from golden import EXPECTED, difference, unpack
from safetensors.torch import load_file, save_file

from sdedit_core.checkpoints import convert_checkpoint, inspect_checkpoint, load_checkpoint
from sdedit_core.checkpoints.places import locate, read_parts

NAME = "diffusers_ddpm.safetensors"
STEM = "diffusion_pytorch_model"


@pytest.fixture
def folder(tmp_path):
    return unpack(NAME, tmp_path)


def cut(folder, suffix=".safetensors", variant=""):
    """The folder's network in two parts and an index, as diffusers' save_pretrained cuts it."""
    whole = folder / f"{STEM}.safetensors"
    state = load_file(whole)
    names = [f"{STEM}{variant}-0000{i}-of-00002{suffix}" for i in (1, 2)]
    table = {key: names[i % 2] for i, key in enumerate(state)}
    for name in names:
        part = {key: value for key, value in state.items() if table[key] == name}
        save_file(part, folder / name) if suffix == ".safetensors" else torch.save(part, folder / name)
    whole.unlink()
    index = folder / f"{STEM}{suffix}.index{variant}.json"
    index.write_text(json.dumps({"metadata": {"total_size": 1}, "weight_map": table}))
    return index


@pytest.mark.parametrize(("suffix", "variant"), [(".safetensors", ""), (".bin", ""), (".safetensors", ".fp16")])
def test_parts_are_one_network(folder, suffix, variant):
    index = cut(folder, suffix, variant)
    model = load_checkpoint(folder)
    assert difference(model, NAME, "ema") < 1e-5
    assert model.info.source.endswith(", 2 parts)") and model.info.name == folder.name
    assert inspect_checkpoint(folder).info == model.info
    part = next(folder.glob("*-00001-of-00002*"))  # one part stands for all of them
    assert locate(part, "ema")[0] == index and difference(load_checkpoint(part), NAME, "ema") < 1e-5
    target = folder / "converted.safetensors"
    convert_checkpoint(folder, target)
    assert difference(load_checkpoint(target), NAME, "ema") < 1e-5


def test_parts_that_are_missing_or_none(folder):
    index = cut(folder)
    table = json.loads(index.read_text())["weight_map"]
    part = next(folder.glob("*-00002-of-00002*"))
    kept = part.read_bytes()
    part.unlink()
    with pytest.raises(ValueError, match=r"-00002-of-00002\.safetensors', which is not there\. Download the missing"):
        load_checkpoint(folder)
    part.write_bytes(kept)
    for weight_map, words in (
        (None, "lists no parts"), ([], "lists no parts"), ({}, "lists no parts"),
        ({"a": "../x-00001-of-00002.safetensors"}, "lists no parts"), ({"a": "config.json"}, "lists no parts"),
        ({str(i): f"a-{i:05}-of-00101.bin" for i in range(101)}, "lists no parts"),
    ):  # fmt: skip
        index.write_text(json.dumps({"weight_map": weight_map}))
        with pytest.raises(ValueError, match=words):
            read_parts(index)
    index.write_text(json.dumps({"weight_map": dict.fromkeys(table, part.name)}))
    with pytest.raises(ValueError, match="lacks the tensor"):
        load_checkpoint(folder)


def test_averaged_weights_and_their_twin(folder):
    state = load_file(folder / f"{STEM}.safetensors")
    assert load_checkpoint(folder).info.weights == "the file's only set"
    save_file({k: torch.zeros_like(v) for k, v in state.items()}, folder / f"{STEM}.non_ema.safetensors")
    averaged, raw = (load_checkpoint(folder, weights=weights) for weights in ("ema", "raw"))
    assert averaged.info.weights == "EMA" and difference(averaged, NAME, "ema") < 1e-5
    assert raw.info.weights.startswith("raw") and difference(raw, NAME, "ema") > 1e-2
    (folder / f"{STEM}.safetensors").unlink()
    assert load_checkpoint(folder).info.weights.startswith("raw")  # the only one there is


def test_folders_of_two_networks(tmp_path):
    for name, factor in (("unet", 0.0), ("unet_ema", 1.0)):
        (tmp_path / name).mkdir()
        unpack(NAME, tmp_path / name)
        file = tmp_path / name / f"{STEM}.safetensors"
        save_file({k: v * factor for k, v in load_file(file).items()}, file)
    averaged, raw = (load_checkpoint(tmp_path, weights=weights) for weights in ("ema", "raw"))
    assert averaged.info.weights == "EMA" and difference(averaged, NAME, "ema") < 1e-5
    assert raw.info.weights.startswith("raw") and difference(raw, NAME, "ema") > 1e-2
    assert f"{NAME}/ema/D" in EXPECTED


def test_a_part_alone(folder):
    whole = folder / f"{STEM}-00001-of-00001.safetensors"
    whole.write_bytes((folder / f"{STEM}.safetensors").read_bytes())
    assert locate(whole, "ema")[0] == whole and difference(load_checkpoint(whole), NAME, "ema") < 1e-5
    for variant in ("", ".fp16"):
        part = folder / f"{STEM}{variant}-00002-of-00002.bin"
        part.write_bytes(b"")
        with pytest.raises(
            ValueError, match=rf"{part.name}' is one part .* '{STEM}\.bin\.index{variant}\.json' is not"
        ):
            load_checkpoint(part)
