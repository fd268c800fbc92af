"""Every workflow we ship runs to its end in a real ComfyUI."""

import pytest
from graphs import api_workflows, load


@pytest.mark.parametrize("path", api_workflows(), ids=lambda p: p.stem)
def test_api_workflow_runs(comfy, path):
    run = comfy.run(load(path), timeout=1200)
    assert run.status == "success", run.error
    assert any("images" in output for output in run.outputs.values())
    assert comfy.alive()
