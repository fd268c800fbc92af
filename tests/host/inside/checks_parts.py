"""Video and audio in one latent: ComfyUI's own audio-video network, tiny, with random weights."""

import comfy.nested_tensor
import comfy_extras.nodes_lt as nodes_lt
import torch
from checks import (
    Flat,
    add_noise,
    comfy,
    euler,
    fails,
    formats,
    frames_module,
    guide,
    host,
    model,
    node,
    noise_module,
    sample,
)
from checks_families import AUDIO_VIDEO, family
from checks_told import watched

Nested = comfy.nested_tensor.NestedTensor
SIGMAS = torch.tensor([0.9, 0.6, 0.3, 0.0])


def audio_video():
    """(MODEL, clean video, clean audio), three items."""
    m, video = family("audio and video", AUDIO_VIDEO)
    return m, video, torch.randn(3, 8, 12, 16, generator=torch.Generator().manual_seed(5))


def prompt(seed=1):
    return [[torch.randn(1, 8, 128, generator=torch.Generator().manual_seed(seed)), {}]]


def both(latent):
    return latent["samples"].unbind()


def noised(m, video, audio, t0=0.4, **more):
    return add_noise(m, Nested([video, audio]), t0=t0, **more)


def run(m, latent, **more):
    return sample(m, latent, **{"steps": 4, "positive": prompt(), "negative": prompt(2), **more})


def half_of(video):
    mask = torch.zeros(1, *video.shape[-2:])
    mask[..., : video.shape[-1] // 2] = 1.0
    return mask


def check_the_video_is_edited_and_the_audio_kept():
    m, video, audio = audio_video()
    latent, _, text = noised(m, video, audio)
    assert "video 128 x 3 x 4 x 4, audio 8 x 12 x 16" in text and "audio: kept" in text, text
    for more in ({}, {"mask_mode": "tilt"}, {"solver": "seeds3"}, {"repeats": 2}, {"cfg": 3.0}, {"solver": "paper"}):
        out, guess, report = run(m, latent, **more)
        for one in (out, guess) if "solver" not in more else (out,):
            new_video, new_audio = both(one)
            assert new_video.shape == video.shape and bool(torch.isfinite(new_video).all())
            assert not torch.allclose(new_video, video, atol=0.05)
            assert more.get("solver") == "paper" or torch.equal(new_audio, audio), more
        assert "audio: kept" in report


def check_nothing_changes_where_nothing_may():
    m, video, audio = audio_video()
    for options in ({"t0": 0.0}, {"mask": torch.zeros(1, 4, 4)}):
        for more in ({}, {"latent": {"noise_mask": None}}):
            latent = noised(m, video, audio, **options, **more)[0]
            assert all(torch.equal(*pair) for pair in zip(both(run(m, latent)[0]), (video, audio), strict=True)), (
                options
            )
    plain = both(run(m, noised(m, video, audio)[0])[0])
    ones = both(run(m, noised(m, video, audio, mask=torch.ones(1, 8, 8))[0])[0])
    assert all(torch.equal(a, b) for a, b in zip(plain, ones, strict=True)), "a mask of ones is no mask"


def check_a_mask_is_for_the_video_and_the_audios_own_decides_on_the_audio():
    m, video, audio = audio_video()
    latent = noised(m, video, audio, mask=half_of(video))[0]
    new_video, new_audio = both(run(m, latent)[0])
    assert torch.equal(new_video[..., 2:], video[..., 2:]) and not torch.equal(new_video[..., :2], video[..., :2])
    assert torch.equal(new_audio, audio)
    sound = torch.zeros(1, 1, 12, 16)
    sound[:, :, 6:] = 1.0
    for own in (sound, sound.repeat(3, 8, 1, 1)):
        given = Nested([torch.ones(1, 1, 3, 4, 4), own])
        latent, _, text = noised(m, video, audio, mask=half_of(video), latent={"noise_mask": given})
        assert "audio: 50 % may change" in text, text
        new_video, new_audio = both(run(m, latent)[0])
        assert torch.equal(new_video[..., 2:], video[..., 2:]) and torch.equal(new_audio[:, :, :6], audio[:, :, :6])
        assert not torch.allclose(new_audio[:, :, 6:], audio[:, :, 6:], atol=0.05)
    everything = Nested([torch.ones(1, 1, 3, 4, 4), torch.ones(1, 1, 12, 16)])
    latent, _, text = noised(m, video, audio, latent={"noise_mask": everything})
    assert "audio: may change" in text and not torch.allclose(both(run(m, latent)[0])[1], audio, atol=0.05)


def check_kept_audio_is_shown_clean_and_told_clean():
    m, video, audio = audio_video()
    latent = noised(m, video, audio)[0]
    seen = watched(m, parts=True)
    run(m, latent)
    assert len(seen) == 4
    for (_, shown), (video_told, audio_told) in seen:
        assert torch.equal(shown, audio) and not bool(audio_told.any())
        assert bool((video_told > 0.0).all()) and len(video_told.unique()) == 1


def check_an_item_alone_is_the_item_of_the_batch():
    m, video, audio = audio_video()
    whole = both(run(m, noised(m, video, audio, mask=half_of(video))[0], repeats=2)[0])
    one = Nested([video[2:], audio[2:]])
    latent = add_noise(m, one, t0=0.4, mask=half_of(video), latent={"batch_index": [2]})[0]
    for alone, all_three in zip(both(run(m, latent, repeats=2)[0]), whole, strict=True):
        assert torch.allclose(alone[0], all_three[2], rtol=1e-3, atol=1e-3 * float(all_three.abs().max()))


def check_the_noise_of_the_video_is_that_of_the_video_alone():
    _, video, audio = audio_video()
    both_parts = [video.shape[1:], audio.shape[1:]]
    options = {"seed": 3, "stream": "initial", "samples": [0, 2]}
    size = sum(part.numel() for part in (video[0], audio[0]))
    together = noise_module.NoiseStream((1, size), parts=both_parts, **options)(7)
    alone = noise_module.NoiseStream(video.shape[1:], **options)(7)
    assert torch.equal(together[..., : video[0].numel()].reshape(alone.shape), alone)


def check_a_stock_sampler_at_one_level_leaves_our_state():
    m, video, audio = audio_video()
    latent, sigma, _ = noised(m, video, audio)
    level = torch.tensor([frames_module.frame_of(m.get_model_object("model_sampling")).from_ve(sigma)])
    shapes = [video.shape[1:], audio.shape[1:]]
    size = video[0].numel() + audio[0].numel()
    z = noise_module.NoiseStream((1, size), seed=3, stream="initial", samples=range(3), parts=shapes)()
    z = comfy.utils.unpack_latents(z, [video.shape, audio.shape])
    guider = comfy.samplers.CFGGuider(m)
    guider.set_conds(prompt(), prompt(2))
    guider.set_cfg(1.0)
    left = guider.sample(Nested(z), Nested([video, audio]), euler(), level, disable_pbar=True, seed=0)
    for theirs, ours in zip(left.unbind(), both(latent), strict=True):
        assert torch.equal(theirs, ours)


def check_our_sampler_in_a_stock_guider_takes_both():
    m, video, audio = audio_video()
    mask = Nested([torch.ones(3, 1, 3, 4, 4), torch.zeros(3, 1, 12, 16)])
    guider = comfy.samplers.CFGGuider(m)
    guider.set_conds(prompt(), prompt(2))
    guider.set_cfg(1.0)
    noise = Nested([torch.randn(t.shape, generator=torch.Generator().manual_seed(1)) for t in (video, audio)])
    sampler = node("ReverseSDE", solver="auto", seed=9)[0]
    out = guider.sample(noise, Nested([video, audio]), sampler, SIGMAS, denoise_mask=mask, disable_pbar=True, seed=0)
    new_video, new_audio = out.unbind()
    assert torch.allclose(new_audio, audio, atol=1e-5) and not torch.allclose(new_video, video, atol=0.05)


def check_two_halves_make_a_run():
    m, video, audio = audio_video()
    latent = noised(m, video, audio, t0=host.model_schedule(m).t(9.0), mask=half_of(video))[0]
    first, _, report = run(m, latent, sigmas=SIGMAS[:3], solver="pf_ode")
    assert "Stopped at" in report and first["sdedit"]["parts"] == [[128, 3, 4, 4], [8, 12, 16]]
    second = both(run(m, first, sigmas=SIGMAS[2:], solver="pf_ode")[0])
    assert torch.equal(second[0][..., 2:], video[..., 2:]) and torch.equal(second[1], audio)
    assert bool(torch.isfinite(second[0]).all())


def check_what_other_nodes_do_in_between_is_noticed():
    m, video, audio = audio_video()
    latent = noised(m, video, audio)[0]
    apart = nodes_lt.LTXVSeparateAVLatent.execute(latent).args
    joined = nodes_lt.LTXVConcatAVLatent.execute(*apart).args[0]
    for mine, theirs in zip(both(run(m, latent)[0]), both(run(m, joined)[0]), strict=True):
        assert torch.equal(mine, theirs), "taken apart and joined again"
    fails(["taken apart"], run, m, apart[0])
    samples = Nested([both(latent)[0] * 1.01, both(latent)[1]])
    fails(["times the noise"], run, m, {**latent, "samples": samples})
    fails(["holds noise already"], add_noise, m, latent["samples"], latent={"sdedit": latent["sdedit"]})
    swapped = Nested([part[[1, 0, 2]] for part in both(latent)])
    order = both(run(m, {**latent, "samples": swapped})[0])
    assert bool(torch.isfinite(order[0]).all()) and torch.equal(order[1], audio[[1, 0, 2]])
    fails(["batches of 3, 1"], add_noise, m, Nested([video, audio[:1]]))
    fails(["NaN"], add_noise, m, Nested([video, audio * float("nan")]))


def check_models_of_one_latent_refuse_two():
    _, video, audio = audio_video()
    fails(["2 latents in one", "Separate AV Latent"], add_noise, model("flow"), Nested([video, audio]))
    m, _ = family("Wan")
    fails(["2 latents in one"], add_noise, m, Nested([video, audio]))
    fitting = Nested([guide(1, 16, 3, 8, 8), torch.randn(1, 8, 12, 16)])
    fails(["2 latents in one"], add_noise, m, fitting)
    hunyuan = model("flow", formats.HunyuanVideo())  # its latent format would take them: the model tells when it runs
    fails(["2 latents in one"], sample, hunyuan, add_noise(hunyuan, fitting, t0=0.4)[0])
    alpine = node("ScoreModelLoader", model_name="landscape-alpine", weights="ema", dtype="auto")[0]
    fails(["2 latents in one"], add_noise, alpine, Nested([guide(1, 3, 32, 32), audio[:1]]))


def check_probe_and_sweep_show_the_video_and_keep_the_audio():
    m, video, audio = audio_video()
    latent = {"samples": Nested([video[:1], audio[:1]])}
    more = {"model": m, "latent": latent, "vae": Flat(), "t0_values": "0, 0.2, 0.4", "seed": 3, "positive": prompt()}
    for name, extra in (("T0Probe", {}), ("T0Sweep", {"steps": 4, "solver": "auto"})):
        for mask in (None, half_of(video)):
            found = node(name, **more, **extra, mask=mask)
            out = next(one for one in found if isinstance(one, dict))
            new_video, new_audio = both(out)
            assert new_video.shape == (3, *video.shape[1:]) and torch.equal(new_video[:1], video[:1])
            assert torch.equal(new_audio, audio[:1].repeat(3, 1, 1, 1)), name
            assert not torch.allclose(new_video[2:], video[:1], atol=0.05)
            assert any("audio: kept" in one for one in found if isinstance(one, str)), name
    single = noised(m, video[:1], audio[:1], t0=0.4, mask=half_of(video))[0]
    alone = both(run(m, single, seed=3)[0])[0]
    assert torch.allclose(new_video[2:], alone, atol=2e-3, rtol=2e-3), "the sweep is the run of the two nodes"


def check_an_audio_that_is_carried_at_another_scale():
    """MiniMax H3 scales its audio while it is sampled: the state is the stock one, and kept audio comes back."""
    import classes

    entry = next((e for e in classes.comfy.supported_models.models if e.__name__ == "MiniMaxH3"), None)
    if entry is None:
        return  # an older host
    m = classes.build(entry)
    clean = classes.clean_latent(m.model)
    sound = torch.zeros(1, 1, 2, 15)
    sound[..., 8:] = 1.0
    masked = {"noise_mask": Nested([torch.ones(1, 1, 3, 8, 8), sound])}
    latent, sigma, _ = add_noise(m, clean, t0=0.4, latent=masked)
    level = float(frames_module.frame_of(m.get_model_object("model_sampling")).from_ve(sigma))
    noise = (both(latent)[1] * (1.0 - level) - (1.0 - level) * clean.unbind()[1]) * 4.0 / level
    assert abs(float(noise.std()) - 1.0) < 0.1, "the audio holds a quarter of the noise, as stock sampling gives it"
    out = sample(m, latent, steps=3, positive=classes.prompt())[0]
    new_video, new_audio = both(out)
    assert torch.equal(new_audio[..., :8], clean.unbind()[1][..., :8])
    assert torch.allclose(new_audio, clean.unbind()[1], atol=1e-3), "this network knows the clean picture"
    assert torch.allclose(new_video, clean.unbind()[0], atol=1e-3)
