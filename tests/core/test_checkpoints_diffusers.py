"""diffusers folders: what their configurations say about noise and size is kept, or refused."""

from __future__ import annotations

import json

import golden
import pytest

from sdedit_core.checkpoints import convert_checkpoint, load_checkpoint


def test_a_fourier_network_with_a_scheduler_of_betas_is_refused(tmp_path):
    """It reads ln(sigma): taken for VE, a scheduler of another kind would be silently ignored."""
    folder = golden.unpack("diffusers_ncsnpp.bin", tmp_path)
    place = folder / "scheduler_config.json"
    for scheduler in (
        {"_class_name": "DDPMScheduler", "beta_schedule": "linear"},
        {"_class_name": "DDIMScheduler"},
        {"_class_name": "ScoreSdeVpScheduler"},
        {"beta_start": 1e-4, "beta_end": 0.02},
    ):
        place.write_text(json.dumps(scheduler))
        with pytest.raises(ValueError, match=r"is none of a VE network.*sde=\"ve\""):
            load_checkpoint(folder)
        model = load_checkpoint(folder, sde="ve", sigma_min=0.01, sigma_max=90.0)
        assert model.schedule.sigma_max == 90.0
    for scheduler in (
        {"_class_name": "ScoreSdeVeScheduler"},
        {"sigma_max": 90.0},
        {"_class_name": "KarrasVeScheduler"},
    ):
        place.write_text(json.dumps(scheduler))
        said = any("sigma_max 348" in line for line in load_checkpoint(folder).info.assumed)
        assert said == ("sigma_max" not in scheduler)


def test_both_sides_of_a_sample_size_are_kept(tmp_path):
    folder = golden.unpack("diffusers_ncsnpp.bin", tmp_path)
    config = json.loads((folder / "config.json").read_text())
    for value, size in (([16, 24], (16, 24)), ([24, 24], (24, 24)), (32, (32, 32)), (None, (16, 16))):
        (folder / "config.json").write_text(json.dumps({**config, "sample_size": value}))
        model = load_checkpoint(folder)
        if value is not None:
            assert model.size == size
            target = tmp_path / "c.safetensors"
            convert_checkpoint(folder, target)
            assert load_checkpoint(target).size == size
        assert load_checkpoint(folder, image_size=48).size == (48, 48)
    for value in ([16, 24, 3], [], [16, 0], "16", 1.5, True, [16, 10**9]):
        (folder / "config.json").write_text(json.dumps({**config, "sample_size": value}))
        with pytest.raises(ValueError, match="sample_size"):
            load_checkpoint(folder)
