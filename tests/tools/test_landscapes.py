"""The landscape renderer: deterministic, in range, the same picture at every size; what it writes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
import torch
import torch.nn.functional as F
from PIL import Image

import landscapes
from landscapes import MOODS, Scene, mood_scene, render, varied_scene
from landscapes.examples import FOLDER, example_scenes
from landscapes.further import further_scenes
from landscapes.noise import NoiseSource
from landscapes.parameters import House, Tree, Way
from landscapes.references import reference_scenes
from sdedit_core import builtin
from sdedit_core.pictures.io import load_image
from sdedit_core.training.folder import load_folder


@pytest.mark.parametrize("mood", MOODS)
def test_render_is_deterministic_and_in_range(mood):
    a = render(mood_scene(mood, 3), height=48, width=64)
    assert a.shape == (1, 3, 48, 64) and a.dtype == torch.float32
    assert a.min() >= 0 and a.max() <= 1 and a.std() > 0.03
    assert torch.equal(a, render(mood_scene(mood, 3), height=48, width=64))
    assert not torch.equal(a, render(mood_scene(mood, 4), height=48, width=64))


@pytest.mark.parametrize("mood", ["alpine", "sunset"])
def test_a_seed_is_the_same_scene_at_every_size(mood):
    small = render(mood_scene(mood, 1), height=48, width=48)
    large = F.avg_pool2d(render(mood_scene(mood, 1), height=144, width=144), 3)
    other = render(mood_scene(mood, 2), height=48, width=48)
    same, different = (F.avg_pool2d(a - small, 4).square().mean().sqrt() for a in (large, other))
    assert same < 0.04 and same < 0.5 * different


def test_rendering_leaves_the_global_generator_alone():
    before = torch.get_rng_state()
    render(mood_scene("night", 0), height=32, width=32)
    assert torch.equal(before, torch.get_rng_state())


def test_noise_is_normalised_and_follows_the_resolution():
    a = NoiseSource(5).field(64, 64, 1.8)
    b = NoiseSource(5).field(128, 128, 1.8)
    assert abs(float(a.mean())) < 1e-4 and abs(float(a.std()) - 1) < 1e-3
    both = torch.stack([a.flatten(), F.avg_pool2d(b[None, None], 2).flatten()])
    assert torch.corrcoef(both)[0, 1] > 0.95


HOUSE = House(0.2, 1.8, 0.3, wall=(0.9, 0.1, 0.1))


@pytest.mark.parametrize(
    "thing",
    [
        {"ways": (Way(0.0, half=0.2),)},
        {"ways": (Way(0.0, half=0.3, water=True),)},
        {"ways": (Way(0.2, start=1.5, half=0.4, length=0.25, water=True),)},
        {"houses": (HOUSE,)},
        {"houses": (replace(HOUSE, tall=1.5),)},
        {"trees": (Tree(-0.3, 1.6, 0.7),)},
    ],
)
def test_things_on_the_ground_change_their_place_and_no_other(thing):
    scene = replace(mood_scene("alpine", 205), conifers=())
    plain, with_it = render(scene, height=64, width=64), render(replace(scene, **thing), height=64, width=64)
    changed = (plain - with_it).abs().amax(1) > 0.02
    assert 0.005 < float(changed.float().mean()) < 0.4
    assert torch.isfinite(with_it).all() and with_it.min() >= 0 and with_it.max() <= 1
    assert not bool(changed[:, :12].any()), "the sky stays"


@pytest.mark.parametrize("light", [-0.8, 0.8])
def test_clouds_have_no_seam_at_the_sides(light):
    """Their relief is taken from a step towards the sun; at the side there is nothing to take it from."""
    scene = replace(mood_scene("alpine", 214), light=(light, 0.6, -0.1), cloud_cover=0.9, conifers=(), peaks=())
    picture = render(scene, height=96, width=192)[0, :, :40].mean(0)
    steps = (picture[:, 1:] - picture[:, :-1]).abs().mean(0)
    assert float(steps[:8].max()) < 1.6 * float(steps.median()), "left"
    assert float(steps[-8:].max()) < 1.6 * float(steps.median()), "right"


def test_the_further_references_are_what_is_described():
    folder = Path(builtin.__file__).parent / "further"
    scenes = further_scenes()
    assert {file.stem for file in folder.iterdir()} == set(scenes)
    name = "autumn-path_tree"
    shipped = F.avg_pool2d(load_image(folder / f"{name}.webp"), 8)
    assert (shipped - render(scenes[name], height=64, width=64)).square().mean().sqrt() < 0.04


def test_bad_arguments_are_refused():
    with pytest.raises(ValueError, match="Unknown mood 'jungle'; expected one of alpine"):
        mood_scene("jungle", 0)
    with pytest.raises(ValueError, match="at least 8 x 8 pixels, got 64 x 4"):
        render(Scene(), height=4, width=64)


def test_varied_scenes_are_varied():
    scenes = [varied_scene(Random(k)) for k in range(8)]
    pictures = torch.cat([render(scene, height=24, width=24, supersample=4) for scene in scenes])
    assert torch.isfinite(pictures).all() and 0 <= pictures.min() and pictures.max() <= 1
    assert pictures.flatten(1).std(1).min() > 0.03 and pictures.std(0).mean() > 0.08


def test_a_folder_to_train_on(tmp_path):
    """Picture n depends on seed and n alone, so a folder can be gone on with."""
    whole, parts, other = (tmp_path / name for name in ("whole", "parts", "other"))
    base = ["--size", "16", "--moods", "desert,night"]
    assert landscapes.main(["folder", str(whole), "--count", "4", *base]) == 0
    assert landscapes.main(["folder", str(parts), "--count", "1", *base]) == 0
    assert landscapes.main(["folder", str(parts), "--count", "3", "--first", "1", *base]) == 0
    assert landscapes.main(["folder", str(other), "--count", "4", "--seed", "1", *base]) == 0
    sets = [load_folder(folder, size=16) for folder in (whole, parts, other)]
    assert all(len(found.pictures) == 4 and not found.enlarged and not found.left_out for found in sets)
    assert torch.equal(sets[0].pictures, sets[1].pictures)
    assert not torch.equal(sets[0].pictures, sets[2].pictures)


@pytest.mark.parametrize(
    "arguments, text",
    [
        (["--count", "0"], "count of at least 1"),
        (["--size", "4"], "at least 8 x 8"),
        (["--moods", "alpine,jungle", "--seed", "5"], "Unknown mood 'jungle'"),
    ],
)
def test_command_errors_write_nothing(tmp_path, capsys, arguments, text):
    with pytest.raises(SystemExit) as stop:
        landscapes.main(["folder", str(tmp_path / "out"), *arguments])
    assert stop.value.code == 2 and text in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_what_ships_is_what_is_described():
    """Every shipped picture has a scene, and the reverse; one of each kind is rendered and compared."""
    references = {name for mood in MOODS for name in reference_scenes(mood)}
    shipped = {file.stem for file in (FOLDER.parent / "references").glob("*.webp")}
    assert references == shipped and set(MOODS) == set(builtin.MOODS)
    scenes = example_scenes()
    assert set(scenes) == {file.stem for file in FOLDER.glob("*.webp")}
    for file, scene in (
        (FOLDER / "photo-night.webp", scenes["photo-night"]),
        (FOLDER.parent / "references" / "lake-031-layout.webp", reference_scenes("lake")["lake-031-layout"]),
    ):
        assert Image.open(file).size == (512, 512)
        there, made = load_image(file), render(scene, height=512, width=512)
        assert (there - made).square().mean() < 0.02**2
