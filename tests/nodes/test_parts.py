"""Several latents in one: in a row and back, their masks, and what is said of them."""

import pytest
import torch

from pack import part


class Nested:
    """As the host's class: several tensors in one."""

    is_nested = True

    def __init__(self, tensors):
        self.tensors = list(tensors)

    def unbind(self):
        return self.tensors


@pytest.fixture(scope="module")
def parts():
    return part("nodes.parts")


def video_and_audio():
    return Nested([torch.rand(2, 4, 3, 5, 6), torch.rand(2, 8, 7, 3)])


def test_in_a_row_and_back(parts):
    both = video_and_audio()
    layout, row = parts.layout_of(both), parts.packed(both.unbind())
    assert row.shape == (2, 1, 4 * 3 * 5 * 6 + 8 * 7 * 3) and layout.shapes == ((4, 3, 5, 6), (8, 7, 3))
    again = parts.to_latent(row, layout)
    assert isinstance(again, Nested)
    for mine, theirs in zip(again.unbind(), both.unbind(), strict=True):
        assert torch.equal(mine, theirs)
    assert str(layout) == "2 latents in one: video 4 x 3 x 5 x 6, audio 8 x 7 x 3"


def test_an_ordinary_latent_stays_as_it_is(parts):
    x = torch.rand(2, 4, 8, 8)
    assert parts.layout_of(x) is None and parts.to_latent(x, None) is x and parts.split(x, None)[0] is x
    assert parts.packed([x]) is x and parts.unpacked(x, [x.shape[1:]])[0] is x
    assert parts.tensors_of({"is_nested": True}) is None and parts.tensors_of(None) is None


def test_parts_that_are_no_video_and_audio_are_numbered(parts):
    layout = parts.Layout(((16, 8), (5, 1)), Nested)
    assert layout.names() == ["part 1", "part 2"]
    assert parts.Layout(((4, 3, 5, 6), (8, 7, 3), (2, 2)), Nested).names()[2] == "part 3"


def test_whose_mask_is_whose(parts):
    layout = parts.layout_of(video_and_audio())
    one, two = torch.rand(1, 1, 3, 5, 6), torch.rand(2, 8, 7, 3)
    given, mask = Nested([one, two]), torch.rand(1, 5, 6)
    first, second = parts.masks_by_part(None, None, layout)
    assert bool((first == 1.0).all()) and second is None, "without a word the first changes and the second is kept"
    assert parts.masks_by_part(one, None, layout) == [one, None], "a single one is the first's"
    first, second = parts.masks_by_part(given, mask, layout)
    assert first is mask and torch.equal(second, two[:, :1]), "a MASK stands in for the first's only"
    assert torch.equal(parts.masks_by_part(given, None, layout)[0], one)


def test_in_words(parts):
    layout = parts.layout_of(video_and_audio())
    masks = [torch.ones(2, 4, 3, 5, 6), torch.zeros(2, 8, 7, 3)]
    assert parts.describe_parts(parts.packed(masks), layout) == "video: may change; audio: kept"
    masks[0][..., :3] = 0.5
    masks[1][:, :, :, 0] = 1.0
    assert parts.describe_parts(parts.packed(masks), layout) == "video: may change, soft; audio: 33.3 % may change"


def test_the_state_knows_its_parts(parts):
    carried = part("nodes.carried")
    row = parts.packed(video_and_audio().unbind())
    base = {"guide": row, "sigma": 0.5, "t0": 0.4, "seed": 3, "batch_index": [0, 1], "space": "x"}
    state = carried.Carried(**base, prints=carried.fingerprints(row), parts=[[4, 3, 5, 6], [8, 7, 3]])
    entry = carried.pack(state)
    assert carried.unpack({"sdedit": entry}).parts == [[4, 3, 5, 6], [8, 7, 3]]
    del entry["parts"]
    assert carried.unpack({"sdedit": entry}).parts is None, "states of ordinary latents have none"
    with pytest.raises(ValueError, match="its parts"):
        carried.unpack({"sdedit": {**entry, "parts": "video"}})


def test_latents_that_do_not_go_together_are_refused(parts):
    check = part("nodes.latent").check_latent
    row, layout = check({"samples": video_and_audio()}, "Node")
    assert row.shape[1] == 1 and layout.shapes[0] == (4, 3, 5, 6)
    uneven = Nested([torch.rand(2, 4, 3, 5, 6), torch.rand(1, 8, 7, 3)])
    with pytest.raises(ValueError, match="batches of 2, 1"):
        check({"samples": uneven}, "Node")
    with pytest.raises(ValueError, match="NaN"):
        check({"samples": Nested([torch.rand(1, 4, 3, 5, 6), torch.full((1, 8, 7, 3), float("nan"))])}, "Node")
    with pytest.raises(ValueError, match="one tensor, got str"):
        check({"samples": Nested([torch.rand(1, 4, 3, 5, 6), "audio"])}, "Node")
