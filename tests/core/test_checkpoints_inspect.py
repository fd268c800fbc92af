"""``sdedit info`` reads names and shapes alone, and says everything once; what is converted says where it came from."""

from __future__ import annotations

import os
import stat
import subprocess
import sys

import golden
import pytest
import torch

from sdedit_core.checkpoints import convert_checkpoint, inspect_checkpoint, load_checkpoint
from sdedit_core.checkpoints import load as loading
from sdedit_core.checkpoints.reading import read_file
from sdedit_core.cli.main import main

TITLES = ("model", "architecture", "source", "weights", "parameters", "detected", "assumed", "said by you", "note")


@pytest.mark.parametrize("name", golden.NAMES)
def test_shapes_say_what_the_whole_file_says(name, tmp_path):
    path = golden.unpack(name, tmp_path)
    options = golden.OVERRIDES.get(name, {})
    whole, shapes = load_checkpoint(path, **options), inspect_checkpoint(path, **options)
    assert shapes.info == whole.info
    for attribute in ("data_range", "size", "size_multiple", "num_classes", "channels", "distilled"):
        assert getattr(shapes, attribute) == getattr(whole, attribute)
    assert repr(shapes.schedule) == repr(whole.schedule)
    assert all(p.is_meta for p in shapes.module.parameters())


@pytest.mark.parametrize("name", ["ncsnpp_ve.pth", "ddpm.ckpt", "edm_song.safetensors"])
def test_no_weight_is_read(name, tmp_path):
    path = golden.unpack(name, tmp_path)

    def tensors(value):
        if isinstance(value, torch.Tensor):
            yield value
        for part in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
            yield from tensors(part)

    kept = [t for t in tensors(read_file(path, shapes=True).content) if not t.is_meta]
    assert all(t.dim() == 1 for t in kept) and len(kept) <= 1
    assert len(list(tensors(read_file(path, shapes=True).content))) == len(list(tensors(read_file(path).content)))


def test_every_check_of_a_file_is_made_for_shapes_too(tmp_path):
    state = torch.load(golden.unpack("ddpm.ckpt", tmp_path), weights_only=True)
    for words, broken in (
        ("larger than its data", {k: torch.zeros(1).expand(v.shape) for k, v in state.items()}),
        ("shapes", {k: torch.tensor(1.0) for k in state}),
        ("int64", {**state, "conv_in.weight": state["conv_in.weight"].long()}),
        ("lacks", {k: v for k, v in state.items() if "temb" not in k or "1" not in k}),
    ):
        torch.save(broken, tmp_path / "broken.pt")
        with pytest.raises(ValueError, match=words):
            inspect_checkpoint(tmp_path / "broken.pt")


def test_the_compiler_is_not_imported_for_shapes(tmp_path):
    """It takes seconds, and PyTorch's meta device asks for it where it can."""
    names = ("ddpm.ckpt", "ncsnpp_ve.pth", "adm_cond.pt", "edm_adm.safetensors", "diffusers_ddpm.safetensors")
    paths = []
    for name in names:
        (tmp_path / name).mkdir()
        paths.append(str(golden.unpack(name, tmp_path / name)))
    code = (
        "import sys; from sdedit_core.checkpoints import inspect_checkpoint; before = 'torch._dynamo' in sys.modules\n"
        "for path in sys.argv[1:]: inspect_checkpoint(path)\nassert before or 'torch._dynamo' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code, *paths], check=True)


def _info(capsys, *arguments):
    assert main(["info", *map(str, arguments)]) == 0
    return capsys.readouterr().out.splitlines()


@pytest.mark.parametrize("name", ["adm_cond.pt", "ncsnpp_ve.pth", "edm_song.safetensors"])
def test_info_says_everything_once_and_in_order(name, tmp_path, capsys):
    path = golden.unpack(name, tmp_path)
    path.with_suffix(".json").write_text('{"name": "the net"}')
    said = {"adm_cond.pt": ["num_head_channels=16"], "ncsnpp_ve.pth": ["sigma_max=300"]}.get(name, ["sde=edm"])
    converted = tmp_path / "converted.safetensors"
    again = tmp_path / "again.safetensors"
    before = _info(capsys, path, "--set", said[0])
    convert_checkpoint(path, converted, overrides=cli_options(said))
    convert_checkpoint(converted, again)
    for lines in (before, _info(capsys, converted), _info(capsys, again)):
        assert len(lines) == len(set(lines))
        titles = [line.split(":")[0] for line in lines if line.split(":")[0] in TITLES]
        assert titles == sorted(titles, key=TITLES.index), "detected, assumed, said by you"
        assert f"said by you: {said[0]}" in lines
        assert "said by you: name=the net, in the JSON file beside it" in lines
        assert not any(line.startswith(("process:", "data range:")) for line in lines), "the first detected says both"
        assert sum("converted from" in line for line in lines) == (lines is not before)
    assert "said by you" not in "\n".join(_info(capsys, "landscape-alpine"))


def cli_options(items):
    from sdedit_core.cli.common import parse_overrides

    return parse_overrides(items)


def test_provenance_is_the_first_file(tmp_path):
    path = golden.unpack("ddpm.ckpt", tmp_path)
    first, second = tmp_path / "first.safetensors", tmp_path / "second.safetensors"
    convert_checkpoint(path, first, dtype="fp16")
    info = convert_checkpoint(first, second)
    assert [n for n in info.notes if "converted" in n] == [
        "converted from ddpm.ckpt (DDPM checkpoint (SDEdit, pesser, ddim)), fp16, then fp32"
    ]
    one, two = (loading.find(f, weights="ema", overrides={})[0].source for f in (first, second))
    assert one == two and one["file"] == "ddpm.ckpt" and len(one["sha256"]) == 64


@pytest.mark.skipif(os.name == "nt", reason="Windows has no umask")
@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o002, 0o664), (0o077, 0o600)])
def test_others_may_read_what_is_converted(umask, mode, tmp_path):
    path = golden.unpack("ddpm.ckpt", tmp_path)
    target = tmp_path / "converted.safetensors"
    before = os.umask(umask)
    try:
        convert_checkpoint(path, target)
        assert stat.S_IMODE(target.stat().st_mode) == mode
        target.chmod(0o640)
        convert_checkpoint(path, target)
        assert stat.S_IMODE(target.stat().st_mode) == 0o640, "a file that is replaced keeps its own"
    finally:
        os.umask(before)
