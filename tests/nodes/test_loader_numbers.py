"""Numbers of the Score Model Loader: those that came through a link, where ComfyUI checks nothing, and what it says."""

import math

import pytest

from sdedit_core.builtin import ALL, RECOMMENDED_T0


@pytest.mark.parametrize("name", ["class_label", "image_size", "num_heads", "num_head_channels"])
@pytest.mark.parametrize("value", [math.inf, math.nan, 0.5, "2", None, True])
def test_what_is_no_whole_number_is_named(pack, name, value):
    from pack import part

    module = part("nodes.score_model_loader")
    with pytest.raises(ValueError, match=f"{name} must be a whole number, got "):
        module.whole(name, value)
    if name != "class_label":
        with pytest.raises(ValueError, match=name):
            module._overrides(**{name: value})


def test_whole_numbers_are_taken(pack):
    from pack import part

    module = part("nodes.score_model_loader")
    assert module.whole("x", 3) == 3 and module.whole("x", 32.0) == 32 and module._overrides(image_size=0) == {}


def test_the_t0_to_start_with_stands_where_the_model_is_chosen(pack):
    from pack import part

    _, options = part("nodes.score_model_loader").ScoreModelLoader.INPUT_TYPES()["required"]["model_name"]
    low, high = min(RECOMMENDED_T0.values()), max(RECOMMENDED_T0.values())
    assert f"start with t0 {low:g} to {high:g}" in options["tooltip"] and options["default"] == ALL
