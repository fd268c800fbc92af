"""The pictures of the examples, which the server paints without a run."""

import io

import numpy as np
import pytest
from graphs import node, pictures, succeed
from PIL import Image


def ask(comfy, **query):
    from urllib.parse import urlencode

    return comfy.request(f"/api/sdedit/example?{urlencode(query)}")


@pytest.mark.parametrize("slot, output", [(0, "guide"), (2, "photo"), (3, "patch")])
def test_it_is_the_picture_of_the_node(comfy, slot, output):
    asked = {"name": "composite: alpine-peak", "width": 128, "height": 96}
    graph = {"guide": node("SDEdit_ExampleGuide", **asked), "save": node("PreviewImage", images=["guide", slot])}
    made = pictures(comfy, succeed(comfy, graph))[0].astype(float)
    status, data = ask(comfy, output=output, **asked)[:2]
    shown = np.asarray(Image.open(io.BytesIO(data)).convert("RGB")).astype(float)
    assert status == 200 and shown.shape == made.shape == (96, 128, 3)
    assert np.abs(shown - made).mean() < 4, "a JPEG of the same picture"


@pytest.mark.parametrize(
    "wrong",
    [{"name": "no such"}, {"output": "mask"}, {"width": "wide"}, {"height": 10**6}, {"width": -5}],
    ids=lambda w: next(iter(w)) + " " + str(next(iter(w.values()))),
)
def test_what_cannot_be_painted_is_refused_in_words(comfy, wrong):
    status, data = ask(comfy, **({"name": "lake", "output": "guide", "width": 64, "height": 64} | wrong))[:2]
    assert status == 400 and len(data) > 10
    assert comfy.alive()
