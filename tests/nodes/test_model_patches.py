"""Model patches and prompts that were made for another kind of model."""

import pytest

from pack import part


class SomeGuidance:
    @classmethod
    def execute(cls):
        def post_cfg(args):
            return args["denoised"]

        return post_cfg


def options():
    function = SomeGuidance.execute()
    return {
        "sampler_post_cfg_function": [function],
        "transformer_options": {"patches_replace": {"attn1": {1: function}}},
    }


@pytest.mark.parametrize("error", [AttributeError, KeyError, TypeError, ZeroDivisionError, RuntimeError])
def test_a_patch_that_fails_on_a_score_model_is_named(error):
    explained = part("nodes.patches").explained
    with pytest.raises(ValueError, match=r"cannot work with SomeGuidance.*Take that node out"), explained(options(), 1):
        raise error("no such thing")
    for given, model in ((options(), None), ({}, 1)):
        with pytest.raises(error), explained(given, model):
            raise error("no such thing")
    with pytest.raises(RuntimeError, match="out of memory"), explained(options(), 1):
        raise RuntimeError("CUDA out of memory")


def test_a_prompt_of_another_width():
    explained = part("nodes.patches").explained
    with pytest.raises(ValueError, match="CLIP Text Encode"), explained({}, None):
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied (77x768 and 1024x320)")


def test_prompts_that_nobody_reads():
    idle, text, empty = part("nodes.patches").idle_text, [["text", {}]], [[None, {}]]
    assert (
        idle(text, None, 1) == idle(empty, text, 1) == ["The prompt has no effect: a score model does not read text."]
    )
    assert idle(empty, empty, 1) == idle(None, None, 1) == idle(text, text, None) == []


def test_cancelling_is_not_explained_away():
    class Interrupted(Exception):
        pass

    with pytest.raises(Interrupted), part("nodes.patches").explained(options(), 1):
        raise Interrupted


def test_our_own_functions_are_no_patches():
    patches = part("nodes.patches")
    assert patches.patch_names({"wrappers": {"prepare": [patches.idle_text]}, "sizes": [1, "x", None, int]}) == []


def test_patches_of_attention_do_nothing():
    idle = part("nodes.patches").idle_patches
    (words,) = idle(options(), 1)
    assert words.startswith("SomeGuidance: no effect")
    assert idle(options(), None) == idle({}, 1) == []
