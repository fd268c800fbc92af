"""What a model class is asked about a mask, and what follows from its answers: classes that no host has."""

import pytest
import torch

from pack import part

SHAPE = (2, 4, 3, 4, 4)
LATENT = torch.randn(SHAPE, generator=torch.Generator().manual_seed(0))


class Cond:
    def __init__(self, cond):
        self.cond = cond


class Flow:
    def noise_scaling(self, sigma, noise, latent):
        return sigma * noise + (1.0 - sigma) * latent


class Plain:
    """Shows kept pixels noised like the rest, and tells one timestep."""

    model_sampling = Flow()

    def process_timestep(self, timestep, **more):
        return timestep

    def scale_latent_inpaint(self, sigma, noise, latent_image, **more):
        return self.model_sampling.noise_scaling(sigma.reshape(-1, 1, 1, 1, 1), noise, latent_image)


class Clean(Plain):
    """Shows kept pixels clean."""

    def scale_latent_inpaint(self, latent_image, **more):
        return latent_image


class ByFrame(Clean):
    def process_timestep(self, timestep, denoise_mask=None, **more):
        if denoise_mask is None:
            return timestep
        return denoise_mask.mean((1, 3, 4)) * timestep[:, None]


class ByPixel(Clean):
    def process_timestep(self, timestep, denoise_mask=None, **more):
        if denoise_mask is None:
            return timestep
        return denoise_mask[:, 0].flatten(1)[..., None] * timestep[:, None, None]


class ByFrameNoised(ByFrame):
    """Tells kept frames 0 and shows them noised: no state could fit that."""

    scale_latent_inpaint = Plain.scale_latent_inpaint


class Shifted(ByFrame):
    """Tells kept frames some timestep of their own that is not 0."""

    def process_timestep(self, timestep, denoise_mask=None, **more):
        told = super().process_timestep(timestep, denoise_mask=denoise_mask)
        return told if denoise_mask is None else told + 7.0


class Strange(ByFrame):
    """Tells a number of timesteps that are no frames and no pixels."""

    def process_timestep(self, timestep, denoise_mask=None, **more):
        return timestep if denoise_mask is None else timestep[:, None].repeat(1, 5) * denoise_mask.mean()


@pytest.fixture(scope="module")
def told():
    return part("nodes.told")


def mask_of(kind):
    mask = torch.ones(SHAPE)
    if kind in ("frame", "both"):
        mask[:, :, 0] = 0.0
    if kind in ("half", "both"):
        mask[..., :2] = 0.0
    if kind == "soft":
        mask[:, :, 0], mask[:, :, 1] = 0.0, 0.5
    if kind == "all soft":
        mask[:] = 0.5
    return mask


def tell(told, inner, mask, **conds):
    return told.tell(inner, mask, LATENT, conds, [SHAPE[1:]])


@pytest.mark.parametrize("kind", ["frame", "half", "both", "soft", "all soft"])
def test_a_class_that_shows_noise_gets_the_mask_as_it_is(told, kind):
    mask = mask_of(kind)
    found = tell(told, Plain(), mask)
    assert found.mask is mask and found.clean is None


@pytest.mark.parametrize("kind", ["frame", "both", "soft"])
def test_whole_frames_are_clean_where_frames_have_timesteps(told, kind):
    found = tell(told, ByFrame(), mask_of(kind), denoise_mask=1)
    assert found.how == "timestep" and torch.equal(found.mask, mask_of("frame"))
    assert torch.equal(found.clean, mask_of("frame") == 0.0)


@pytest.mark.parametrize("kind", ["half", "all soft"])
def test_nothing_is_told_where_no_frame_is_kept_whole(told, kind):
    found = tell(told, ByFrame(), mask_of(kind), denoise_mask=1)
    assert bool((found.mask == 1.0).all()) and found.clean is None


@pytest.mark.parametrize("kind", ["frame", "half", "both"])
def test_pixels_are_clean_where_pixels_have_timesteps(told, kind):
    found = tell(told, ByPixel(), mask_of(kind), denoise_mask=1)
    assert found.how == "timestep" and torch.equal(found.mask, mask_of(kind))
    soft = tell(told, ByPixel(), mask_of("soft"), denoise_mask=1)
    assert torch.equal(soft.mask, mask_of("frame")), "soft pixels are of the one level"


@pytest.mark.parametrize("inner", [ByFrameNoised(), Shifted(), Strange()])
@pytest.mark.parametrize("kind", ["frame", "half", "soft"])
def test_a_class_whose_answers_do_not_fit_is_told_of_no_mask(told, inner, kind):
    found = tell(told, inner, mask_of(kind), denoise_mask=1)
    assert bool((found.mask == 1.0).all()) and found.clean is None


def test_a_class_that_does_not_pass_the_mask_on_cannot_tell_it(told):
    mask = mask_of("frame")
    found = tell(told, ByFrame(), mask)
    assert found.mask is mask and found.clean is None, "its conditioning has no mask"


def test_a_mask_beside_the_picture_tells_of_frames(told):
    one_channel, picture = Cond(torch.ones(2, 1, 3, 4, 4)), Cond(torch.ones(2, 5, 3, 4, 4))
    found = tell(told, Clean(), mask_of("both"), c_concat=one_channel)
    assert found.how == "mask" and torch.equal(found.mask, mask_of("frame"))
    assert bool((tell(told, Clean(), mask_of("half"), c_concat=one_channel).mask == 1.0).all())
    mask = mask_of("both")
    found = tell(told, Clean(), mask, c_concat=picture)
    assert found.mask is mask and found.clean is None, "with a picture it is an inpainting model: noise all over"


def test_a_network_that_is_given_the_mask_itself_is_told_of_frames(told):
    found = tell(told, Clean(), mask_of("both"), denoise_mask=1)
    assert found.how == "mask" and torch.equal(found.clean, mask_of("frame") == 0.0)


def test_a_first_frame_with_a_timestep_of_its_own(told):
    mask = mask_of("frame")
    mask[:, :, 1] = 0.0
    found = tell(told, Clean(), mask, guiding_frame_index=1)
    assert found.mask is mask and torch.equal(found.clean, mask_of("frame") == 0.0), "the first only"
    assert tell(told, Clean(), mask_of("half"), guiding_frame_index=1).clean is None
    assert tell(told, Clean(), mask).clean is None


def test_two_parts_have_masks_of_their_own(told):
    class Both(Clean):
        def process_timestep(self, timestep, denoise_mask=None, audio_denoise_mask=None, **more):
            video = audio = timestep
            if denoise_mask is not None:
                video = denoise_mask[:, 0].flatten(1) * timestep[:, None]
            if audio_denoise_mask is not None:
                audio = audio_denoise_mask[:, 0, :, 0] * timestep[:, None]
            return video, audio

    shapes = [SHAPE[1:], (8, 6, 5)]
    parts = part("nodes.parts")
    sound = torch.ones(2, 8, 6, 5)
    sound[:, :, :2] = 0.0
    sound[:, :, 2, :3] = 0.0  # not all of that moment is kept
    latent = parts.packed([LATENT, torch.randn(2, 8, 6, 5, generator=torch.Generator().manual_seed(1))])
    Both.scale_latent_inpaint = lambda self, latent_image, **more: latent_image
    for video in (mask_of("half"), torch.ones(SHAPE)):
        mask = parts.packed([video, sound])
        found = told.tell(Both(), mask, latent, {"denoise_mask": 1, "audio_denoise_mask": 1}, shapes)
        told_video, told_sound = parts.unpacked(found.mask, shapes)
        assert found.how == "timestep" and torch.equal(told_video, video)
        assert not bool(told_sound[:, :, :2].any()) and bool((told_sound[:, :, 2:] == 1.0).all())


def test_prompts_are_made_again_only_where_they_are_told_another_mask(told):
    calls = []

    class Guider:
        inner_model = ByFrame()

        def __init__(self):
            self.conds = {"positive": [{"model_conds": {"denoise_mask": 1}}], "negative": [{"model_conds": {}}]}

    ByFrame.extra_conds = None

    def encode(function, conds, noise, device, kind, **more):
        calls.append((kind, more["denoise_mask"]))
        return [f"{kind} again"]

    scene = {"noise": LATENT, "latent": LATENT, "seed": 1}
    guider = Guider()
    told.tell_prompts(guider, encode, mask=mask_of("frame"), **scene)
    assert not calls, "it was told so already"
    told.tell_prompts(guider, encode, mask=mask_of("half"), **scene)
    assert [kind for kind, _ in calls] == ["positive", "negative"] and guider.conds["negative"] == ["negative again"]
    assert all(bool((mask == 1.0).all()) for _, mask in calls)
    assert told.parts_told(object()) == [] and told.parts_told(Guider()) == []
