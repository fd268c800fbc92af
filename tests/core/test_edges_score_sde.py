"""score-SDE: lists of modules and noise levels that are just still taken, or just not."""

from __future__ import annotations

import pytest
import torch
from families import broken, found, state_of

from sdedit_core.checkpoints.formats import score_sde
from sdedit_core.checkpoints.overrides import Overrides
from sdedit_core.networks.preconditioning import VP


def test_noise_levels_of_a_file_or_usual_ones():
    state = state_of("ncsnpp_conv.pth")

    def process(sigmas):
        here = found(
            {**state, "sigmas": sigmas} if sigmas is not None else {k: v for k, v in state.items() if k != "sigmas"}
        )
        p = here.preconditioning
        return (p.sigma_min, p.sigma_max), [
            line for line in (*here.detected, *here.assumed) if line.startswith("sigma ")
        ]

    usual = (0.01, 348.0), ["sigma 0.01 to 348: the file has no sigmas"]
    for odd in (None, torch.ones(0), torch.ones(1),
                torch.ones(()), torch.tensor([[50.0, 0.5]]), torch.tensor([0.5, 50.0]),
                torch.tensor([50.0, 0.0]), torch.tensor([1e6, 0.5]), torch.tensor([3.0, 3.0])):  # fmt: skip
        assert process(odd) == usual
    said = "from the file's sigmas"
    assert process(torch.tensor([50.0, 0.5])) == ((0.5, 50.0), [f"sigma 0.5 to 50 in 2 levels, {said}"])
    assert process(torch.tensor([9e5, 1.0, 0.5])) == ((0.5, 9e5), [f"sigma 0.5 to 900000 in 3 levels, {said}"])


@pytest.mark.parametrize(("high", "kind"), [(90.4, "ve-discrete"), (89.6, "ve-discrete"), (91.0, "vp-continuous")])
def test_the_celeba_networks_range_tells_discrete_levels(high, kind):
    state = {**state_of("ncsnpp_cat.pth"), "sigmas": torch.tensor([high, 30.0, 10.0, 0.01])}
    p = found(state).preconditioning
    assert p.kind == kind and (kind != "ve-discrete" or p.levels == 4)


def listed(state, order):
    """The same modules in another order: indices of the old list, some left out or twice."""
    out = {}
    for new, old in enumerate(order):
        for key in [k for k in state if k.startswith(f"all_modules.{old}.")]:
            out[f"all_modules.{new}." + key.split(".", 2)[2]] = state[key]
    return out


def kinds_of(state):
    """The kinds of a list's modules, as the reader calls them."""
    walker = score_sde._Walker({k: v for k, v in state.items() if k != "sigmas"}, Overrides())
    return walker, walker.kinds


def test_a_pyramid_of_inputs_alone_tells_the_filter():
    state = state_of("ncsnpp_cat.pth")
    kinds = kinds_of(state)[1]
    inner = [i for i, kind in enumerate(kinds[:-2]) if kind == "norm"]
    drop = {i + n for i in inner for n in (0, 1)}
    here = found(listed(state, [i for i in range(len(kinds)) if i not in drop]), sde="subvp")
    assert here.architecture == "NCSN++" and here.spec.encoder[1].fir
    assert any("with the [1,3,3,1] filter" in line for line in here.assumed)


def test_where_image_pyramids_belong():
    state = state_of("ncsnpp_cat.pth")
    kinds = kinds_of(state)[1]
    at = kinds.index("combine")
    every = list(range(len(kinds)))
    broken(listed(state, [*every[: at + 1], *every[at:]]), f"module {at + 1} of its list is not where an image pyramid")
    broken(listed(state, [*every[: at - 1], *every[at:]]), f"module {at - 1} of its list is not where an image pyramid")
    broken(listed(state, every[: at + 1]), "its list has no middle of block, attention, block")
    first = kinds.index("res")
    broken(listed(state, [*every[:first], at, *every[first:]]), "does not fit|no middle|not where")


def test_lists_without_their_middle_or_their_end():
    state = state_of("sde_ddpm.pth")
    kinds = kinds_of(state)[1]
    every = list(range(len(kinds)))
    mid = next(
        i for i in every if kinds[i : i + 4] == ["res", "attention", "res", "res"] and i > kinds.index("resample")
    )
    mid = max(i for i in every if kinds[i : i + 3] == ["res", "attention", "res"] and i < kinds.index("resample", mid))
    words = "its list has no middle of block, attention, block"
    ends = [i for i in every if kinds[i] == "res"]
    for order in (every[: ends[0] + 1], every[: mid + 1], every[: kinds.index("resample") + 1]):
        broken(listed(state, order), f"{words}|its list of modules ends early")
    starts = [i for i in every[: mid + 3] if kinds[i] == "attention"]
    broken(listed(state, [i for i in every if i not in starts]), words)
    twice = [*every[: mid + 3], starts[-1], *every[mid + 3 :]]
    broken(listed(state, twice), words)
    decoder = [i for i in ends if i > mid + 2]
    broken(listed(state, [i for i in every if i != decoder[-1]]), "ends early|does not fit|takes")
    broken(listed(state, every[:-2]), "its list of modules ends early")
    broken(listed(state, every[:-1]), "not where a network of this kind has a norm layer|ends early")


def test_convolutions_with_filters_do_not_resample_here():
    state = state_of("ncsnpp_conv.pth")
    kinds = kinds_of(state)[1]
    at = kinds.index("resample")
    fir = {k.replace(f"all_modules.{at}.Conv_0", f"all_modules.{at}.Conv2d_0"): v for k, v in state.items()}
    broken(fir, "it resamples by convolutions with FIR filters")


def test_the_width_of_a_shortcut():
    state = state_of("ddpmpp_vp.pth")
    walker, kinds = kinds_of(state)
    at = next(i for i, kind in enumerate(kinds) if kind == "res" and "Conv_2.weight" in walker.modules[i])
    key = f"all_modules.{at}.Conv_2.weight"
    wide, _ = kinds_of({**state, key: state[key].repeat(1, 1, 3, 3)})
    assert walker._block(at, "x", "").shortcut == 1 and wide._block(at, "x", "").shortcut == 3


def test_a_ddpm_of_that_range_is_none():
    state = {**state_of("sde_ddpm.pth"), "sigmas": torch.tensor([90.0, 0.01])}
    assert found(state).preconditioning == VP()


def test_levels_that_cannot_be_used_count_for_nothing():
    state = {**state_of("ncsnpp_cat.pth"), "sigmas": torch.tensor([0.5, 3.0, 50.0])}
    here = found(state, sde="ve").preconditioning
    assert (here.sigma_min, here.sigma_max, here.levels) == (0.01, 348.0, 1000)


def test_averages_without_a_count_have_no_note():
    model = state_of("ncsnpp_conv.pth")
    trained = [v for k, v in model.items() if k not in ("sigmas", "all_modules.0.W")]
    for ema, notes in (
        ({"shadow_params": trained, "num_updates": 12}, ["averaged over 12 updates"]),
        ({"shadow_params": trained, "num_updates": 1.5}, []),
        ({"shadow_params": trained}, []),
    ):
        assert found({"model": model, "ema": ema}).notes == notes


def test_lists_of_modules_that_are_no_such_network():
    state = state_of("ncsnpp_conv.pth")
    last = max(int(k.split(".")[1]) for k in state if k.startswith("all_modules."))
    one = torch.zeros(1)
    broken({**state, "extra": one}, "holds the tensor 'extra', which is not part of")
    broken({**state, "all_modules.2001.W": one}, "longer than any")
    broken({**state, "all_modules.2000.W": one}, "layer|ends early|does not fit|part of|belongs|not where")
    broken(
        {**state, f"all_modules.{last + 1}.strange": one}, f"module {last + 1} of its list, with strange, belongs to no"
    )
    broken(
        {**state, f"all_modules.{last + 1}.weight": torch.zeros(1, 1, 1), f"all_modules.{last + 1}.bias": one},
        "belongs to no",
    )
    head = {k: v for k, v in state.items() if k == "sigmas" or int(k.split(".")[1]) < 4}
    broken(head, "no residual blocks")
    bare = {f"all_modules.{int(k.split('.')[1]) - 2}." + k.split(".", 2)[2]: v
            for k, v in state.items() if k != "sigmas" and int(k.split(".")[1]) > 2}  # fmt: skip
    broken({**bare, "all_modules.0.W": state["all_modules.0.W"]}, "no noise embedding")
    for end in (last, last - 1, last - 2):
        broken(
            {k: v for k, v in state.items() if k == "sigmas" or int(k.split(".")[1]) < end},
            "ends early|no middle|not where",
        )


def test_names_of_score_sdes_networks():
    for name, words in (
        ("ncsnpp_conv.pth", "NCSN++"),
        ("ddpmpp_vp.pth", "DDPM++"),
        ("sde_ddpm.pth", "DDPM (score-SDE)"),
    ):
        assert found(state_of(name)).architecture == words


def test_what_a_score_sde_network_cannot_be():
    for name, sde, words in (
        ("ncsnpp_ve.pth", "vp", r'reads ln\(sigma\), so it is a VE network; sde="vp" does not fit'),
        ("ncsnpp_ve.pth", "ve-discrete", r"reads ln\(sigma\)"),
        ("sde_ddpm.pth", "edm", 'score-SDE networks are VE or VP; sde="edm"'),
        ("ddpmpp_vp.pth", "iddpm", 'sde="iddpm"'),
        ("ddpmpp_vp.pth", "consistency", 'sde="consistency"'),
    ):
        with pytest.raises(ValueError, match=words):
            found(state_of(name), sde=sde)
