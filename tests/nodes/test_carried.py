"""The carried state: it knows its samples exactly, and says what is wrong with it."""

import math

import pytest
import torch

from pack import part

SHAPE = (4, 16, 16)


@pytest.fixture(scope="module")
def carried():
    return part("nodes.carried")


def numbers(count=3, seed=0):
    return torch.randn(count, *SHAPE, generator=torch.Generator().manual_seed(seed))


def state(carried, samples, **changes):
    count = samples.shape[0]
    given = {"guide": numbers(count, 1), "sigma": 0.5, "t0": 0.4, "seed": 3, "batch_index": list(range(count))}
    return carried.Carried(**{**given, "space": "test", "prints": carried.fingerprints(samples), **changes})


def test_items_are_found_wherever_they_went(carried):
    x = numbers()
    found = state(carried, x)
    assert found.rows_of(x) == [0, 1, 2]
    assert found.rows_of(x[[2, 0, 2, 1, 1]]) == [2, 0, 2, 1, 1]
    assert found.rows_of(torch.cat([x[1:2], numbers(1, 5)])) == [1, None]


@pytest.mark.parametrize("form", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("level", [1.0, 348.0])
def test_rounding_on_the_way_is_no_change(carried, form, level):
    x = level * numbers()
    found = state(carried, x)
    assert found.rows_of(x.to(form).float()) == [0, 1, 2]
    once = x.to(form).float()
    once[1, 0, 0, 0] = torch.nextafter(once[1, 0, 0, 0], torch.tensor(math.inf))
    assert found.rows_of(once) == [0, None, 2], "only what is that rounding, not what is near it"


@pytest.mark.parametrize(
    "change",
    [
        lambda x: x + 1e-6,
        lambda x: x * 1.0001,
        lambda x: x.flip(-1),
        lambda x: x.transpose(-1, -2),
        lambda x: x.roll(1, -1),
        lambda x: -x,
        lambda x: x.reshape(x.shape[0], 16, 4, 16),
        lambda x: x[..., :8],
    ],
)
def test_any_change_is_noticed(carried, change):
    x = numbers()
    assert state(carried, x).rows_of(change(x)) == [None] * 3


def test_one_number_is_noticed_under_any_noise(carried):
    """The noise of t0 = 1 is a thousand times the difference of two guides."""
    noise = 348.0 * numbers()
    one, other = numbers(3, 7), numbers(3, 7)
    other[1, 2, 5, 5] += 1e-3
    assert state(carried, noise + one).rows_of(noise + other) == [0, None, 2]


def test_both_zeros_are_one_number(carried):
    x = torch.zeros(1, *SHAPE)
    assert state(carried, x).rows_of(-x) == [0]


def test_a_state_comes_back_as_it_was_packed(carried):
    given = state(carried, numbers(), note="words", mask_t0=0.6)
    found = carried.unpack({"sdedit": {**carried.pack(given), "more": 1}})
    assert all(vars(found)[name] is value for name, value in vars(given).items())
    for nothing in ({}, {"sdedit": None}, {"sdedit": "x"}, {"sdedit": [1]}):
        assert carried.unpack(nothing) is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("guide", None),
        ("guide", torch.zeros(3, 0, 4)),
        ("guide", torch.full((3, *SHAPE), math.nan)),
        ("guide", torch.zeros(3, *SHAPE, dtype=torch.int64)),
        ("sigma", "0.5"),
        ("sigma", -0.5),
        ("sigma", math.inf),
        ("t0", 1.5),
        ("seed", 1.5),
        ("seed", True),
        ("batch_index", (0, 1, 2)),
        ("batch_index", [0, 1]),
        ("batch_index", [0.0, 1.0, 2.0]),
        ("space", None),
        ("prints", [["a", "b", "c"]]),
        ("prints", [["a"], ["b"], ["c"]]),
        ("prints", "abc"),
        ("note", None),
        ("mask_t0", "x"),
    ],
)
def test_broken_states_are_named(carried, name, value):
    entry = carried.pack(state(carried, numbers())) | {name: value}
    with pytest.raises(ValueError, match=rf"broken \(its {name}\).*Add VE Noise at t0"):
        carried.unpack({"sdedit": entry})


@pytest.mark.parametrize("name", ["guide", "sigma", "t0", "seed", "batch_index", "space", "prints"])
def test_missing_entries_are_named(carried, name):
    entry = carried.pack(state(carried, numbers()))
    del entry[name]
    with pytest.raises(ValueError, match=f"its {name}"):
        carried.unpack({"sdedit": entry})


@pytest.mark.parametrize("version", [None, 0, 2, "1", [], 10**30])
def test_other_versions_are_said(carried, version):
    entry = carried.pack(state(carried, numbers())) | {"version": version}
    with pytest.raises(ValueError, match="another version"):
        carried.unpack({"sdedit": entry})


def test_clean_is_what_the_samples_say(carried):
    x = numbers()
    latent = {"samples": x, "sdedit": carried.pack(state(carried, x))}
    with pytest.raises(ValueError, match=r"holds noise already \(t0 0.4\).*clean latent"):
        carried.check_clean(latent, x, "t0 Probe")
    with pytest.raises(ValueError, match="picture 2 of it"):
        carried.check_clean(latent, torch.cat([numbers(1, 8), x[2:]]), "t0 Probe")
    (note,) = carried.check_clean(latent, numbers(3, 9), "t0 Probe")
    assert "finished picture" in note and "KSampler (Advanced)" in note
    assert carried.check_clean({"samples": x}, x, "t0 Probe") == []
    still = {"samples": x, "sdedit": carried.pack(state(carried, x, sigma=0.0, t0=0.0))}
    assert carried.check_clean(still, x, "t0 Probe") == [], "t0 = 0 adds no noise"


def test_pictures_are_counted_from_one(carried):
    assert carried.numbered([1]) == "picture 2"
    assert carried.numbered([0, 1, 4]) == "pictures 1, 2 and 5"
    assert carried.numbered(list(range(12))) == "pictures 1, 2, 3, 4 and 8 more"
