"""Where the files of a network are looked for, one rule a row; what the files hold does not matter here."""

from __future__ import annotations

import json

import pytest
import torch
from safetensors.torch import save_file

from sdedit_core.checkpoints import places
from sdedit_core.checkpoints.places import locate, name_of, read_parts

NET = "diffusion_pytorch_model"


def lay(root, *names):
    """Files of these names; one of JSON holds its own name."""
    for name in names:
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps({"is": name}) if name.endswith(".json") else "")


def net(folder, scheduler=None):
    """A network's two files in a folder of that name ("" = the root)."""
    at = f"{folder}/" if folder else ""
    return [f"{at}config.json", f"{at}{NET}.bin", *([scheduler] if scheduler else [])]


@pytest.mark.parametrize(("weights", "names", "folder", "scheduler"), [
    ("ema", net("unet"), "unet", None),
    ("raw", net("unet_ema"), "unet_ema", None),
    ("ema", net("unet") + net("unet_ema"), "unet_ema", None),
    ("raw", net("unet") + net("unet_ema"), "unet", None),
    ("ema", net(""), "", None),
    ("ema", net("model"), "model", None),
    ("ema", net("unet") + net("") + net("model"), "unet", None),
    ("ema", ["unet/config.json", *net("")], "", None),
    ("ema", [f"unet/{NET}.bin", *net("")], "", None),
    ("ema", net("unet", "unet/scheduler_config.json"), "unet", "unet/scheduler_config.json"),
    ("ema", net("unet", "unet/scheduler/scheduler_config.json"), "unet", "unet/scheduler/scheduler_config.json"),
    ("ema", net("unet", "scheduler/scheduler_config.json"), "unet", "scheduler/scheduler_config.json"),
    ("ema", net("", "scheduler/scheduler_config.json"), "", "scheduler/scheduler_config.json"),
    ("ema", net("", "model/scheduler_config.json"), "", None),
])  # fmt: skip
def test_folders(weights, names, folder, scheduler, tmp_path):
    lay(tmp_path, *names)
    file, config, levels, sidecar = locate(tmp_path, weights)
    assert file == tmp_path / folder / f"{NET}.bin" and sidecar == {}
    assert config == {"is": f"{folder}/config.json".lstrip("/")}
    assert levels == (scheduler and {"is": scheduler})


def test_a_folder_without_a_network(tmp_path):
    lay(tmp_path, "unet/config.json", "text_encoder/model.bin")
    with pytest.raises(ValueError, match="holds no diffusers network"):
        locate(tmp_path, "ema")


def test_a_file_alone_and_one_with_its_description(tmp_path):
    lay(tmp_path, "net.pt", f"{NET}.bin", "config.json")
    assert locate(tmp_path / "net.pt", "ema") == (tmp_path / "net.pt", None, None, {})
    assert locate(tmp_path / f"{NET}.bin", "ema")[1:] == ({"is": "config.json"}, None, {})
    (tmp_path / "config.json").unlink()
    assert locate(tmp_path / f"{NET}.bin", "ema")[1:] == (None, None, {})


@pytest.mark.parametrize("key", ["down_block_types", "block_out_channels"])
def test_what_lies_beside_a_file_may_be_its_config(key, tmp_path):
    lay(tmp_path, "net.pt", "scheduler_config.json")
    (tmp_path / "net.json").write_text(json.dumps({key: [1]}))
    assert locate(tmp_path / "net.pt", "ema")[1:] == ({key: [1]}, {"is": "scheduler_config.json"}, {})


def test_what_lies_beside_a_file_may_hold_both(tmp_path):
    lay(tmp_path, "net.pt", "net.json", "net.pt.json")
    assert locate(tmp_path / "net.pt", "ema")[3] == {"is": "net.pt.json"}  # the name that is nearest
    (tmp_path / "net.pt.json").unlink()
    assert locate(tmp_path / "net.pt", "ema")[3] == {"is": "net.json"}
    (tmp_path / "net.json").write_text(json.dumps({"config": {"a": 1}, "scheduler": {"b": 2}, "name": "x"}))
    assert locate(tmp_path / "net.pt", "ema")[1:] == ({"a": 1}, {"b": 2}, {"name": "x"})


def test_names(tmp_path):
    folder = tmp_path / "a-model"
    lay(folder, f"{NET}.bin", "model.pt", "net.v2.pt")
    assert name_of(folder, folder / f"{NET}.bin") == name_of(folder / f"{NET}.bin", folder / f"{NET}.bin") == "a-model"
    assert name_of(folder / "model.pt", folder / "model.pt") == "model"
    assert name_of(folder / "net.v2.pt", folder / "net.v2.pt") == "net.v2"


def parts(folder, count, metadata=None):
    """``count`` files of one tensor each, and their index."""
    names = [f"net-{i:05}-of-{count:05}.safetensors" for i in range(1, count + 1)]
    for i, name in enumerate(names):
        save_file({f"w{i}": torch.full((2,), float(i))}, folder / name, metadata=metadata)
    index = folder / "net.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": {f"w{i}": name for i, name in enumerate(names)}}))
    return index, [folder / name for name in names]


@pytest.mark.parametrize("count", [2, places.MAX_PARTS])
def test_parts_are_read_with_all_that_they_say(count, tmp_path):
    index, files = parts(tmp_path, count, {"said": "this"})
    whole = read_parts(index)
    assert [float(whole.content[f"w{i}"][0]) for i in range(count)] == list(range(count))
    assert (whole.path, whole.parts, whole.metadata) == (index, files, {"said": "this"})
    alone = read_parts(files[1])
    assert float(alone.content["w1"][0]) == 1.0 and alone.parts == []
    for file in (index, files[1]):
        assert read_parts(file, shapes=True).content["w1"].device.type == "meta"


@pytest.mark.parametrize(("stem", "index"), [
    ("net", "net.bin.index.json"), ("net.fp16", "net.bin.index.fp16.json"), ("net.v2", "net.v2.bin.index.json"),
])  # fmt: skip
def test_a_part_stands_for_all(stem, index, tmp_path):
    lay(tmp_path, f"{stem}-00001-of-00002.bin", index)
    assert locate(tmp_path / f"{stem}-00001-of-00002.bin", "ema")[0] == tmp_path / index


def test_the_limit_of_tensors_counts_all_parts(tmp_path, monkeypatch):
    index, _ = parts(tmp_path, 3)
    monkeypatch.setattr(places, "MAX_TENSORS", 3)
    assert len(read_parts(index).content) == 3
    monkeypatch.setattr(places, "MAX_TENSORS", 2)
    with pytest.raises(ValueError, match="more than 2 tensors"):
        read_parts(index)
