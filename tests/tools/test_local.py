"""The command that trains a network of outlines and texture: its pictures, and all of it at the smallest size."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from safetensors import safe_open

from local import command
from local.crops import Crops, _turn
from sdedit_core import load_score_model
from trained.pictures import chunks


@pytest.fixture
def folder(tmp_path):
    """Two chunks of pictures: nothing is rendered."""
    pictures = tmp_path / "out" / f"pictures-{command.SIZE}"
    pictures.mkdir(parents=True)
    rng = np.random.default_rng(0)
    ramp = np.linspace(40, 200, command.SIZE)[None, None, :, None]
    for first, count in ((0, 16), (16, 4)):
        noise = rng.normal(0, 12, (count, 3, command.SIZE, command.SIZE))
        np.save(pictures / f"{first:06d}.npy", (ramp + noise).clip(0, 255).astype("uint8"))
    return tmp_path / "out"


def crops(folder):
    jobs = chunks(folder / f"pictures-{command.SIZE}", count=20, size=command.SIZE, seed=0, moods=("alpine",))
    return Crops(jobs, side=32, at_once=len(jobs), device=torch.device("cpu"))


def content(model):
    """Tensors and description; the order of the lines in the file's header is left to chance by safetensors."""
    with safe_open(model, "pt") as file:
        return {name: file.get_tensor(name) for name in file.keys()}, file.metadata()


def draw(source, seed, count=40):
    return source.draw(count, source.sizes[0], torch.Generator().manual_seed(seed))


def test_parts_follow_from_the_generator_alone(folder):
    source = crops(folder)
    parts = draw(source, 3)
    assert parts.shape == (40, 3, 32, 32) and parts.dtype == torch.float32
    assert parts.min() >= -1 and parts.max() <= 1
    assert torch.equal(parts, draw(source, 3)) and not torch.equal(parts, draw(source, 4))


def test_parts_are_of_pictures_whole_and_halved(folder):
    """Means of four pixels have half the noise."""
    rough = (draw(crops(folder), 0, 300).diff(dim=3)).std((1, 2, 3))
    assert 0.15 < float((rough < 0.75 * rough.median()).float().mean()) < 0.4


def test_turned_colours_keep_grey_and_lightness():
    for angle in (0.3, 2.0, 4.5):
        turn = _turn(angle)
        assert torch.allclose(turn @ turn.T, torch.eye(3), atol=1e-5), "a rotation"
        assert torch.allclose(turn.sum(1), torch.ones(3), atol=1e-5), "grey stays"
    assert torch.allclose(_turn(0.0), torch.eye(3), atol=1e-6)


def test_stopped_and_gone_on_with_it_is_the_run_that_never_stopped(folder, monkeypatch, capsys):
    arguments = [str(folder), "--steps", "8", "--count", "20", "--batch", "2", "--network", "tiny"]
    monkeypatch.setattr(command, "EVERY", 2)
    assert command.main([*arguments, "--minutes", "0.000001"]) == 0
    assert "pictures are rendered" in capsys.readouterr().out
    seen = iter([0.0] * 7 + [120.0] * 100)  # over after some steps
    monkeypatch.setattr(command.time, "monotonic", lambda: next(seen))
    assert command.main([*arguments, "--minutes", "1"]) == 0
    monkeypatch.undo()
    half = capsys.readouterr().out
    assert "wrote" in half and "step 8 of 8;" not in half
    assert command.main(arguments) == 0
    assert "going on at step" in capsys.readouterr().out
    stopped = content(folder / command.MODEL)
    for file in folder.glob("landscape-local*"):
        file.unlink()
    assert command.main(arguments) == 0
    again = content(folder / command.MODEL)
    assert again[1] == stopped[1] and again[0].keys() == stopped[0].keys()
    assert all(torch.equal(again[0][name], stopped[0][name]) for name in stopped[0])
    assert load_score_model(folder / command.MODEL).denoise(torch.zeros(1, 3, 16, 16), 0.1).shape == (1, 3, 16, 16)


@pytest.mark.parametrize(
    "wrong", [["--count", "0"], ["--steps", "0"], ["--network", "no"], ["--rate", "-1"], ["--batch", "0"]]
)
def test_wrong_arguments_are_said(wrong, tmp_path, capsys):
    with pytest.raises(SystemExit) as stop:
        command.main([str(tmp_path / "out"), *wrong])
    assert stop.value.code == 2 and "error:" in capsys.readouterr().err
