"""Our own files: everything that is written is read again, and every field at its limits."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from sdedit_core.checkpoints.formats import own
from sdedit_core.checkpoints.found import ONLY_SET, Found
from sdedit_core.checkpoints.overrides import Overrides
from sdedit_core.checkpoints.reading import RawFile
from sdedit_core.networks import CompactSpec, ncsnpp
from sdedit_core.networks.preconditioning import EDM, VE, VP, DiscreteVE

TENSORS = {"conv_in.weight": torch.zeros(1)}


def a_file(process=None, **fields):
    """What a small network is found to be."""
    return Found(own.NAME, "NCSN++", ncsnpp(nf=8), dict(TENSORS), process or EDM(), **fields)


def read(metadata, weights="ema", **options):
    raw = RawFile(Path("a.safetensors"), dict(TENSORS), "memory", metadata=metadata)
    return own.parse(raw, Overrides.make(options), weights)


def changed(found, *without, **fields):
    """The file's metadata with other fields, or without some."""
    data = json.loads(own.describe(found, {})["sdedit"])
    data = {k: v for k, v in {**data, **fields}.items() if k not in without}
    return {"sdedit": json.dumps(data)}


def test_what_is_written_is_read_again():
    first = a_file(
        VE((0.0, 1.0)), which="EMA", gain=2.0, offset=-1.0, size=(48, 64), name="my net",
        detected=["one"], assumed=["two"], notes=["three"],
    )  # fmt: skip
    written = own.describe(first, {"sha256": "0"})
    assert written.keys() == {"format", "sdedit"} and written["format"] == "pt"
    data = json.loads(written["sdedit"])
    assert (data["version"], data["source"], data["centred"]) == (1, {"sha256": "0"}, True)
    again = read(written)
    assert again == replace(first, source={"sha256": "0"})


@pytest.mark.parametrize("key", own._NEEDED)
def test_fields_that_must_be_there(key):
    with pytest.raises(ValueError, match=f"its metadata lacks {key}"):
        read(changed(a_file(), key))


def test_fields_that_may_be_missing():
    bare = read(changed(a_file(name="x", detected=["y"]), "name", "detected", "assumed", "notes", "centred"))
    assert (bare.name, bare.detected, bare.assumed, bare.notes, bare.centred) == ("", [], [], [], True)
    assert not read(changed(a_file(gain=3.0), "centred")).centred
    for said in (True, False):
        assert read(changed(a_file(), centred=said)).centred == said
    assert not json.loads(own.describe(a_file(centred=False), {})["sdedit"])["centred"]
    assert not json.loads(own.describe(a_file(gain=3.0), {})["sdedit"])["centred"]


def test_a_description_at_its_longest():
    text = changed(a_file())["sdedit"]
    assert read({"sdedit": text.ljust(own.MAX_METADATA)}).which == ONLY_SET
    with pytest.raises(ValueError, match="at most 1,048,576 are read"):
        read({"sdedit": text.ljust(own.MAX_METADATA + 1)})


def test_sentences_are_bounded_and_lose_advice_that_no_longer_holds():
    lines = ["n" * 600, *map(str, range(80))]
    got = read(changed(a_file(), notes=lines)).notes
    assert got == ["n" * 500, *map(str, range(49))]
    advice = 'EDM preconditioning; sde="ve" or "vp" selects the baselines'
    assert read(changed(a_file(), assumed=[advice])).assumed == ["EDM preconditioning"]
    assert read(changed(a_file(), assumed=["a; b"])).assumed == ["a; b"]


def test_raw_weights_of_a_file_that_holds_the_average():
    with pytest.raises(ValueError, match=r"averaged \(EMA\) weights only"):
        read(changed(a_file(which="EMA")), weights="raw")
    assert read(changed(a_file(which="EMA"))).which == "EMA"
    for which in ("raw (not averaged)", ONLY_SET):
        assert read(changed(a_file(which=which)), weights="raw").which == which


def test_what_can_be_said_of_the_noise_process():
    here = read(changed(a_file()), sigma_min=0.01, sigma_max=9.0, data_range=(0.0, 1.0))
    assert here.preconditioning == EDM((0.0, 1.0), sigma_min=0.01, sigma_max=9.0)
    assert (here.gain, here.offset) == (2.0, -1.0)
    kept = read(changed(a_file(gain=3.0)), data_range=(0.0, 1.0))
    assert (kept.gain, kept.offset, kept.preconditioning.data_range) == (3.0, 0.0, (0.0, 1.0))
    same = read(changed(a_file(gain=1.0)), sigma_max=9.0)
    assert (same.gain, same.offset) == (1.0, 0.0)
    vp = read(changed(a_file(VP())), noise_schedule="cosine", prediction="v").preconditioning
    assert vp == VP(beta_schedule="cosine", prediction="v")
    with pytest.raises(ValueError, match="with the options given it does not work"):
        read(changed(a_file()), sigma_min=100.0)


@pytest.mark.parametrize(
    ("process", "said", "fits"),
    [
        (EDM(), "edm", True), (EDM(), "ve", False), (EDM(), None, True), (VE(), "ve", True), (VP(), "vp", True),
        (VP(), "vp-discrete", True), (VP(), "vp-continuous", False), (DiscreteVE(), "ve", True),
        (DiscreteVE(), "ve-discrete", True), (VE(), "ve-discrete", False),
    ],
)  # fmt: skip
def test_a_process_can_be_repeated_but_not_changed(process, said, fits):
    if fits:
        assert read(changed(a_file(process)), sde=said).preconditioning == process
    else:
        with pytest.raises(ValueError, match=f'says itself that its noise process is "{process.kind}"; sde="{said}"'):
            read(changed(a_file(process)), sde=said)


@pytest.mark.parametrize("key", ["gain", "offset"])
def test_numbers_at_their_limits(key):
    for value in (1e6, -1e6, 0.5):
        assert getattr(read(changed(a_file(), **{key: value})), key) == value
    for value in (1_000_000.5, -1_000_000.5, "1", None, True):
        with pytest.raises(ValueError, match=f"{key} = .* which is no sensible number"):
            read(changed(a_file(), **{key: value}))


def test_kinds_of_networks():
    unet = a_file().spec.to_dict()
    assert own._spec(unet) == own._spec({k: v for k, v in unet.items() if k != "kind"}) == a_file().spec
    compact = CompactSpec((8, 8), (1, 1), 1, 8, 8, 3)
    assert own._spec(compact.to_dict()) == compact
    for kind in ("UNET", "Compact", None, 3):
        with pytest.raises(ValueError, match='A network is of the kind "unet" or "compact"'):
            own._spec({**unet, "kind": kind})
    with pytest.raises(ValueError, match=r"described by a table, got list"):
        own._spec([unet])
