"""What a network is told of a mask is what it is shown; networks of ComfyUI's own, tiny, with random weights."""

from itertools import pairwise

import checks_families as families
import classes
import torch
from checks import add_noise, comfy, euler, host, node

SIGMAS = torch.tensor([0.6, 0.4, 0.2, 0.0])


def watched(m, parts=False):
    """Every (x, timestep) that the network gets from now on; with ``parts`` a list of each."""
    seen, network = [], m.model.diffusion_model
    forward = type(network).forward

    def spy(x, timestep, *args, **kwargs):
        given = [[one.detach().float().clone() for one in (each if parts else [each])] for each in (x, timestep)]
        seen.append(tuple(each if parts else each[0] for each in given))
        return forward(network, x, timestep, *args, **kwargs)

    network.forward = spy
    return seen


def wan_22():
    m, g = families.family("Wan 2.2")
    frames = torch.ones(3, 8, 8)
    frames[0] = 0.0
    return m, g[:1], frames


def check_kept_frames_are_shown_clean_and_told_clean_at_every_step():
    m, g, frames = wan_22()
    clean = m.model.process_latent_in(g)
    soft = frames.clone()
    soft[1] = 0.5
    for mask in (frames, soft):
        for more in ({}, {"mask_mode": "tilt"}, {"solver": "seeds3"}, {"repeats": 2}):
            seen = watched(m)
            out = families.ours(m, add_noise(m, g, t0=0.5, mask=mask)[0], **{"steps": 3, **more})[0]["samples"]
            assert (
                len(seen) >= 3 and torch.equal(out[:, :, 0], g[:, :, 0]) and not torch.equal(out[:, :, 1], g[:, :, 1])
            )
            for x, timestep in seen:
                assert torch.equal(x[:, :, 0], clean[:, :, 0]), "shown clean"
                first, *rest = timestep.flatten().tolist()
                assert first == 0.0 and rest[0] == rest[1] > 0.0, timestep
                assert not torch.allclose(x[:, :, 1], clean[:, :, 1], atol=1e-3)


def check_parts_of_frames_are_one_level_that_all_are_told():
    m, g, _ = wan_22()
    mask = torch.ones(1, 8, 8)
    mask[..., :4] = 0.0
    seen = watched(m)
    out = families.ours(m, add_noise(m, g, t0=0.5, mask=mask)[0], steps=3)[0]["samples"]
    assert torch.equal(out[..., :4], g[..., :4])
    for x, timestep in seen:
        assert len(set(timestep.flatten().tolist())) == 1, timestep
        s = float(timestep.flatten()[0]) / 1000.0
        noise = (x - (1.0 - s) * m.model.process_latent_in(g))[..., :4] / s
        assert abs(float(noise.std()) - 1.0) < 0.05, (s, float(noise.std()))


def check_a_mask_of_ones_is_no_mask_and_of_zeros_no_change_with_a_timestep_a_frame():
    m, g, frames = wan_22()
    plain = families.ours(m, add_noise(m, g, t0=0.5)[0], steps=3)[0]["samples"]
    ones = families.ours(m, add_noise(m, g, t0=0.5, mask=torch.ones(3, 8, 8))[0], steps=3)[0]["samples"]
    assert torch.equal(plain, ones)
    zeros = families.ours(m, add_noise(m, g, t0=0.5, mask=torch.zeros(3, 8, 8))[0], steps=3)[0]["samples"]
    assert torch.equal(zeros, g)
    none = families.ours(m, add_noise(m, g, t0=0.0, mask=frames)[0], steps=3)[0]["samples"]
    assert torch.equal(none, g)


def check_our_sampler_in_a_stock_guider_tells_the_same():
    m, g, frames = wan_22()
    half = torch.ones(1, 1, 3, 8, 8)
    half[..., :4] = 0.0
    for mask, levels in ((frames.reshape(1, 1, 3, 8, 8), 2), (half, 1)):
        guider = comfy.samplers.CFGGuider(m)
        guider.set_conds(families.prompt(), families.prompt(2))
        guider.set_cfg(2.0)
        seen = watched(m)
        sampler = node("ReverseSDE", solver="auto", seed=9)[0]
        noise = torch.randn(g.shape, generator=torch.Generator().manual_seed(1))
        out = guider.sample(noise, g, sampler, SIGMAS, denoise_mask=mask, disable_pbar=True, seed=0)
        kept = (mask == 0.0).expand_as(g)
        assert torch.allclose(out[kept], g[kept], rtol=1e-5, atol=1e-5)
        assert seen and all(len(set(timestep.flatten().tolist())) == levels for _, timestep in seen)


def check_kept_frames_are_told_as_by_stock_sampling():
    m, g, frames = wan_22()
    mask = frames.reshape(1, 1, 3, 8, 8)
    stock = watched(m)
    guider = comfy.samplers.CFGGuider(m)
    guider.inner_set_conds({"positive": families.prompt()})
    guider.set_cfg(1.0)
    guider.sample(torch.randn(g.shape), g, euler(), SIGMAS, denoise_mask=mask, disable_pbar=True, seed=0)
    noised = add_noise(m, g, t0=host.model_schedule(m).t(1.5), mask=frames)[0]
    ours = watched(m)
    families.ours(m, noised, sigmas=SIGMAS)
    for (x, t), (stock_x, stock_t) in zip(ours, stock, strict=True):
        assert torch.equal(x[:, :, 0], stock_x[:, :, 0]) and torch.allclose(t, stock_t, rtol=1e-3)


def check_a_first_frame_with_a_timestep_of_its_own_is_shown_clean():
    """HunyuanVideo's image to video tells it by the prompt; without that word nothing is told, and nothing shown."""
    entry = next(e for e in classes.comfy.supported_models.models if e.__name__ == "HunyuanVideo")
    m = classes.build(entry)
    g = classes.clean_latent(m.model)
    clean = m.model.process_latent_in(g)
    frames = torch.ones(1, 1, 3, 8, 8)
    frames[:, :, :2] = 0.0
    for words, shown in (({}, []), ({"guiding_frame_index": 0}, [0])):
        m.model.diffusion_model.seen.clear()
        positive = [[text, {**more, **words}] for text, more in classes.prompt()]
        noised = add_noise(m, g, t0=0.5, mask=frames)[0]
        out = node("ReverseSDESampler", model=m, latent=noised, steps=3, solver="auto", seed=4, positive=positive)[0]
        assert torch.equal(out["samples"][:, :, :2], g[:, :, :2])
        for one in m.model.diffusion_model.seen:
            bare = [k for k in range(3) if torch.allclose(one["x"][:, :, k], clean[:, :, k], atol=1e-4)]
            assert bare == shown, (words, bare)
    levels = [float(one["level"]) for one in m.model.diffusion_model.seen]
    assert all(a > b for a, b in pairwise(levels))
