"""What stock schedulers see of a score model: its levels, from the lowest that it knows upwards."""

import pytest
import torch
from watch import watching

from pack import part


@pytest.mark.parametrize("name", ["VESDE", "FadingVESDE", "VPSDE", "ContinuousVPSDE", "SubVPSDE"])
def test_no_level_of_the_table_is_one_of_no_noise(name):
    """ComfyUI's ddim_uniform leaves out its last level, 0, when the second one of the table is nearly 0."""
    schedule = getattr(part("sdedit_core.sde"), name)()
    table = part("nodes.frames").ScoreSampling(schedule).sigmas
    assert len(table) == 1000 and bool((table[1:] > table[:-1]).all())
    assert float(table[-1]) == pytest.approx(schedule.sigma_max, rel=1e-6)
    assert schedule.sigma_min * 0.999 <= float(table[0]) <= schedule.sigma_min * 1.1


@pytest.mark.parametrize("shown", [False, True])
def test_a_hosts_model_is_asked_without_waiting_for_its_device(shown):
    """A level is filled in on the device, not copied there; ``meta`` stands in for a GPU."""
    frames, told = part("nodes.frames"), part("nodes.told")
    asked = []

    class Inner:
        score_model = None

        class model_sampling:
            sigma_min, sigma_max = torch.tensor(0.001), torch.tensor(1.0)

            @staticmethod
            def noise_scaling(sigma, noise, latent, max_denoise=False):
                return sigma * noise + (1.0 - sigma) * latent

        def scale_latent_inpaint(self, x, sigma, noise, latent_image, denoise_mask):
            return latent_image + noise

    class Guider:
        inner_model = Inner()

        def __call__(self, x, level, **options):
            asked.append(level)
            return x

    x = torch.empty(2, 4, 8, 8, device="meta")
    model = frames.GuidedModel(Guider(), {}, x, tick=lambda: None)
    if shown:
        model.show(x.clone(), told.Told(x.clone(), x > 0.0, how="timestep"))
    with watching() as watch:
        assert model.denoise(x, 0.5).device.type == "meta"
    assert asked[0].shape == (2,) and asked[0].dtype == torch.float32
    assert not watch.reads and not watch.copies
    near = frames.GuidedModel(Guider(), {}, torch.zeros(2, 4, 8, 8), tick=lambda: None)
    for sigma in (0.3, torch.tensor([0.3, 0.3], dtype=torch.float64)):
        near.denoise(torch.ones(2, 4, 8, 8), sigma)
    assert torch.equal(asked[1], asked[2]) and asked[1].tolist() == pytest.approx([0.3 / 1.3] * 2)
