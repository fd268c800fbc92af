"""What stock schedulers see of a score model: its levels, from the lowest that it knows upwards."""

import pytest

from pack import part


@pytest.mark.parametrize("name", ["VESDE", "FadingVESDE", "VPSDE", "ContinuousVPSDE", "SubVPSDE"])
def test_no_level_of_the_table_is_one_of_no_noise(name):
    """ComfyUI's ddim_uniform leaves out its last level, 0, when the second one of the table is nearly 0."""
    schedule = getattr(part("sdedit_core.sde"), name)()
    table = part("nodes.frames").ScoreSampling(schedule).sigmas
    assert len(table) == 1000 and bool((table[1:] > table[:-1]).all())
    assert float(table[-1]) == pytest.approx(schedule.sigma_max, rel=1e-6)
    assert schedule.sigma_min * 0.999 <= float(table[0]) <= schedule.sigma_min * 1.1
