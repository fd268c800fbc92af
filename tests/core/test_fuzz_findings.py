"""One small test for each kind of fault that the fuzzers found."""

from __future__ import annotations

import json
import math
import struct
import zipfile
import zlib
from dataclasses import replace

import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from sdedit_core import load_score_model
from sdedit_core.checkpoints import load_checkpoint
from sdedit_core.checkpoints.formats import own
from sdedit_core.checkpoints.found import Found
from sdedit_core.cli.common import parse_overrides
from sdedit_core.cli.main import main
from sdedit_core.networks import CompactSpec, UNetSpec, build_network, ncsnpp
from sdedit_core.networks.preconditioning import EDM, VE, VP, ContinuousVP, check_levels, preconditioning
from sdedit_core.pictures.files import check_regular, check_target, same_file
from sdedit_core.pictures.io import load_image, load_mask
from sdedit_core.sde import listed, short
from sdedit_core.training.files import read_tensors, save_tensors

SPEC = CompactSpec((8, 8), (1, 1), 0, 8, 8, 3)


def described(path, **changes):
    """A small file of our own format with parts of its description replaced."""
    weights = {name: torch.zeros(meta.shape) for name, meta in build_network(SPEC, device="meta").state_dict().items()}
    about = json.loads(own.describe(Found(own.NAME, "x", SPEC, weights, EDM(), which="EMA"), {})["sdedit"])
    save_file(weights, path, metadata={"sdedit": json.dumps({**about, **changes})})
    return path


@pytest.mark.parametrize(
    "process",
    [
        {"kind": "vp", "beta_start": 0.4, "beta_end": 0.02},  # rises to 1e60
        {"kind": "vp", "levels": 100_000},
        {"kind": "vp-continuous", "beta_max": 1e12},
        {"kind": "ve", "sigma_max": 1e12},
        {"kind": "edm", "sigma_min": 1e-12},
    ],
)
def test_noise_levels_stay_where_float32_has_numbers(process, tmp_path):
    with pytest.raises(ValueError, match="noise levels"):
        preconditioning(process)
    with pytest.raises(ValueError, match="noise levels"):
        load_checkpoint(described(tmp_path / "a.safetensors", preconditioning=process))


def test_noise_levels_of_known_networks_are_inside():
    for process in (
        VE(),
        VE(sigma_max=1348.0),
        VP(),
        VP(beta_schedule="cosine", levels=4000),
        EDM(),
        ContinuousVP(t_min=1e-5),
    ):
        assert check_levels(process) is process


def test_long_values_are_shown_short(tmp_path):
    long = "a" * 5000
    for changes in (
        {"preconditioning": {"kind": "vp", "prediction": [long]}},
        {"network": {**SPEC.to_dict(), "widths": [8, long]}},
        {"preconditioning": {"kind": "edm", long: 1}},
        {"network": {"encoder": [], "middle": [], "decoder": None}},
        {"network": {"encoder": [{long + "\n": 1}], "middle": [], "decoder": []}},
    ):
        with pytest.raises(ValueError) as caught:
            load_checkpoint(described(tmp_path / "a.safetensors", **changes))
        assert len(str(caught.value)) < 600 and "\n" not in str(caught.value) and "NoneType" not in str(caught.value)
    assert listed(["a\nb", long]) == "a b, " + "a" * 60 + "..." and len(short([long])) < 70


def test_sets_of_other_arguments_are_no_overrides():
    for text in ("dtype=fp32", "name_or_path=x", "weights=raw", "device=cpu", "compile=1"):
        with pytest.raises(ValueError, match=f"Unknown option {text.split('=')[0]}; known options are"):
            parse_overrides([text])
    with pytest.raises(ValueError) as caught:
        parse_overrides(["9" * 5000])
    assert len(str(caught.value)) < 200


def test_names_that_no_file_can_have(tmp_path, capsys):
    for name in ("\ud800.png", "a\0b.png"):
        assert not same_file(tmp_path / "a.png", name)
        for check in (check_regular, check_target):
            with pytest.raises(ValueError) as caught:
                check(name)
            assert "codec" not in str(caught.value)
    assert main(["edit", "a\n\x1b[31m.png", "-o", str(tmp_path / "out.png")]) == 1
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and "\x1b" not in said


def test_a_state_dict_with_shapes_of_another_length_gets_our_sentence(tmp_path):
    tensors = {
        "map_layer0.weight": torch.zeros(4),
        "enc.8x8_conv.weight": torch.zeros(4),
        "enc.8x8_conv.bias": torch.zeros(4),
    }
    save_file(tensors, tmp_path / "a.safetensors")
    with pytest.raises(ValueError) as caught:
        load_checkpoint(tmp_path / "a.safetensors")
    assert "unpack" not in str(caught.value) and str(caught.value).startswith("a.safetensors looks like a")


def test_a_damaged_header_of_a_state_is_told_in_short(tmp_path):
    header = json.dumps({"a": "x" * 5000}).encode()
    (tmp_path / "a.safetensors").write_bytes(len(header).to_bytes(8, "little") + header)
    with pytest.raises(ValueError) as caught:
        read_tensors(tmp_path / "a.safetensors", "x")
    assert len(str(caught.value)) < 400 + len(str(tmp_path))


def test_a_state_with_numbers_that_are_not_finite_is_refused(tmp_path):
    from sdedit_core.training.settings import Settings
    from sdedit_core.training.sources import TensorSource
    from sdedit_core.training.trainer import Trainer

    pictures = torch.rand(4, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    trainer = Trainer(TensorSource(pictures), Settings(steps=2, batch=2, network="tiny"))
    tensors, meta = trainer.state()
    name = next(name for name in tensors if name.startswith("average."))
    tensors[name] = tensors[name].clone()
    tensors[name].flatten()[0] = math.nan
    save_tensors(tmp_path / "a.safetensors", tensors, {"x": json.dumps(meta)})
    with pytest.raises(ValueError, match=f"its tensor {name} holds NaN or infinite numbers"):
        trainer.restore(*read_tensors(tmp_path / "a.safetensors", "x"))


def test_more_transparent_colours_than_a_palette_has(tmp_path):
    path = tmp_path / "a.png"
    Image.linear_gradient("L").convert("P").save(path)
    body = b"tRNS" + bytes(range(250)) * 2
    chunk = struct.pack(">I", 500) + body + struct.pack(">I", zlib.crc32(body))
    data = path.read_bytes()
    path.write_bytes(data.replace(data[data.index(b"IDAT") - 4 :], chunk + data[data.index(b"IDAT") - 4 :]))
    for load in (load_image, load_mask):
        with pytest.raises(ValueError, match=r"a\.png cannot be read as an image: it is damaged"):
            load(path)


def test_a_network_goes_down_as_often_as_up():
    spec = ncsnpp(nf=8, ch_mult=(1, 2), blocks=1, attention_levels=())
    encoder = tuple(block for block in spec.encoder if block.resample != "down")
    with pytest.raises(ValueError, match="down as often as up"):
        replace(spec, encoder=encoder).check()


@pytest.mark.parametrize("side", [(16, 16), "64", None, 15, 4097, 64.5, True])
def test_a_built_in_model_takes_one_side_in_pixels(side):
    if side is None:
        assert (
            load_score_model("landscape-lake", image_size=32.0).denoise(torch.rand(1, 3, 32, 32), 0.1).shape[-1] == 32
        )
        return
    with pytest.raises(ValueError, match="image_size must be one whole number from 16 to 4096"):
        load_score_model("landscape-lake", image_size=side)


def test_names_in_an_archive_that_are_no_text(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.pth", "w") as archive:
        archive.writestr("a/\u00e9.pkl", b"x")
    data = (tmp_path / "a.pth").read_bytes().replace("\u00e9".encode(), b"\xa6\xa6")
    (tmp_path / "a.pth").write_bytes(data)
    with pytest.raises(ValueError, match="truncated or damaged zip archive"):
        load_checkpoint(tmp_path / "a.pth")


@pytest.mark.parametrize("name", ["widths", "blocks"])
@pytest.mark.parametrize("value", [None, 8, "88", {"a": 8}])
def test_a_compact_network_lists_its_numbers(name, value, tmp_path):
    network = {**SPEC.to_dict(), name: value}
    with pytest.raises(ValueError, match=f"{name} of a compact network is a list of numbers, got"):
        load_checkpoint(described(tmp_path / "a.safetensors", network=network))


def test_a_network_description_that_lacks_a_part_names_it(tmp_path):
    about = ncsnpp(nf=8, ch_mult=(1, 2), blocks=1, attention_levels=()).to_dict()
    for part in ("base", "encoder", "in_channels"):
        short_of = {key: value for key, value in about.items() if key != part}
        with pytest.raises(ValueError, match=f"does not fit this version: it lacks {part}"):
            load_checkpoint(described(tmp_path / "a.safetensors", network=short_of))
    blocks = [{key: value for key, value in block.items() if key != "inputs"} for block in about["encoder"]]
    with pytest.raises(ValueError, match="does not fit this version: it lacks inputs"):
        load_checkpoint(described(tmp_path / "a.safetensors", network={**about, "encoder": blocks}))
    from_file = UNetSpec.from_dict({"kind": "unet", **about})
    assert from_file == UNetSpec.from_dict(about)


@pytest.mark.parametrize("field", ["resample", "padding", "pyramid"])
def test_a_block_is_named_by_its_field_in_few_words(field):
    spec = ncsnpp(nf=8, ch_mult=(1, 2), blocks=1, attention_levels=())
    block = replace(spec.encoder[0], **{field: "x" * 5000})
    with pytest.raises(ValueError, match=f"impossible block: one with {field} = 'xxx") as caught:
        replace(spec, encoder=(block, *spec.encoder[1:])).check()
    assert len(str(caught.value)) < 300
