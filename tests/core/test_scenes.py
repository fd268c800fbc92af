"""The landscape renderer: deterministic, in range, the same picture at every size."""

from __future__ import annotations

from random import Random

import pytest
import torch
import torch.nn.functional as F

from sdedit_core.builtin.scenes import MOODS, Scene, mood_scene, render, render_batch
from sdedit_core.builtin.scenes.noise import NoiseSource, StreamNoise, power_law
from sdedit_core.training.variety import varied_scene


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


def test_bad_arguments_are_refused():
    with pytest.raises(ValueError, match="unknown mood"):
        mood_scene("jungle", 0)
    with pytest.raises(ValueError, match="8 x 8"):
        render(Scene(), height=4, width=64)


def test_scenes_rendered_together_are_the_scenes_rendered_alone():
    scenes = [mood_scene(mood, 3) for mood in MOODS]
    together = render_batch(scenes, height=32, width=48)
    for scene, picture in zip(scenes, together, strict=True):
        torch.testing.assert_close(picture[None], render(scene, height=32, width=48), atol=1e-4, rtol=0)


def test_a_stream_of_scenes_is_varied_and_follows_its_generator():
    scenes = [varied_scene(Random(k)) for k in range(6)]

    def pictures(seed):
        noise = StreamNoise(len(scenes), torch.Generator().manual_seed(seed))
        return render_batch(scenes, height=24, width=24, noise=noise, supersample=4)

    first = pictures(1)
    assert torch.equal(first, pictures(1)) and not torch.equal(first, pictures(2))
    assert torch.isfinite(first).all() and 0 <= first.min() and first.max() <= 1
    assert first.flatten(1).std(1).min() > 0.03 and first.std(0).mean() > 0.08


def test_rendering_stays_on_its_device():
    """On the "meta" device any tensor left on the CPU raises."""

    class MetaNoise:
        device = torch.device("meta")
        rand = staticmethod(lambda count, width: torch.empty(len(count), max(count), width, device="meta"))
        spectrum = staticmethod(lambda ny, nx, where: torch.empty(24, 2, 2 * ny, nx, device="meta"))

        def field(self, *sizes, **options):
            return power_law(self, *sizes, **options)

    scenes = [varied_scene(Random(k)) for k in range(24)]
    picture = render_batch(scenes, height=16, width=24, device="meta", noise=MetaNoise())
    assert picture.shape == (24, 3, 16, 24) and picture.device.type == "meta"
