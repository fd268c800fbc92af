"""One run in two halves, by any two of: our sampler node, our SAMPLER, stock samplers.  Run by run.py."""

import torch
from checks import add_noise, cond, euler, fails, formats, frames_module, guide, guided, host, model, node, sample, z_of

KINDS = ("eps", "v", "edm", "flow", "flux")
MEMORYLESS = ("ancestral", "reverse_diffusion")  # a stop between two steps changes nothing for these


def levels_of(m, t0=0.7, steps=8):
    return node("SigmasFromT0", model=m, t0=t0, steps=steps, spacing="karras")[0]


def inside(m, samples):
    return m.model.process_latent_in(samples)


def far(a, b):
    return float((a - b).abs().max())


def check_the_network_sees_the_same_start_in_both_samplers():
    """Stock and ours, from the same noised latent: the first input of the network is equal bit for bit."""
    for kind in KINDS:
        m, g = model(kind), guide()
        sigmas = levels_of(m)
        latent = add_noise(m, g, t0=0.7)[0]
        guided(m, torch.zeros_like(g), latent["samples"], euler(), sigmas)
        stock = m.model.seen[0]
        m.model.seen.clear()
        sample(m, latent, sigmas=sigmas)
        ours = m.model.seen[0]
        assert torch.equal(stock[0], ours[0]) and torch.equal(stock[1], ours[1]), (kind, far(stock[0], ours[0]))


def check_ours_stopped_above_zero_holds_noise_of_that_level():
    """Gaussian data: x(stop) given x(top) has a closed-form mean and spread."""
    for kind in ("eps", "flow"):
        m = model(kind, formats.SDXL())
        scale = m.model.latent_format.scale_factor
        g = torch.full((1, 4, 128, 128), 0.8 / scale)
        sigmas = levels_of(m, steps=40)
        frame = frames_module.frame_of(m.get_model_object("model_sampling"))
        top, stop = (frame.to_ve(float(s)) for s in (sigmas[0], sigmas[25]))
        latent = add_noise(m, g, t0=0.7)[0]
        left, _, report = sample(m, latent, sigmas=sigmas[:26], positive=cond(0.2))
        assert f"Stopped at sigma {stop:.4g}" in report
        x = inside(m, left["samples"])
        c2 = 0.25
        gain = (c2 + stop**2) / (c2 + top**2)
        mean = 0.2 + gain * (0.8 - 0.2)
        std = ((c2 + stop**2) * (1.0 - gain) + (gain * top) ** 2) ** 0.5
        assert abs(float(x.mean()) - mean) < 0.02, (kind, float(x.mean()), mean)
        assert abs(float(x.std()) / std - 1.0) < 0.03, (kind, float(x.std()), std)


def check_two_halves_of_ours_are_the_whole():
    """With one seed both halves follow the path of the whole run; they only read it at another resolution."""
    for kind in KINDS:
        m, g = model(kind), guide(2, 4, 16, 16)
        sigmas = levels_of(m)
        latent = add_noise(m, g, t0=0.7)[0]
        mask = torch.zeros(1, 16, 16)
        mask[:, :8] = 1.0
        for given in (latent, add_noise(m, g, t0=0.7, mask=mask)[0]):
            for solver in MEMORYLESS:
                whole = sample(m, given, solver=solver, sigmas=sigmas)[0]
                half = sample(m, given, solver=solver, sigmas=sigmas[:5])[0]
                assert abs(half["sdedit"]["sigma"] / _ve(m, sigmas[4]) - 1) < 1e-6
                rest = sample(m, half, solver=solver, sigmas=sigmas[4:])[0]
                other = sample(m, given, solver=solver, sigmas=sigmas, seed=5)[0]["samples"]
                error, spread = (float((x - whole["samples"]).std()) for x in (rest["samples"], other))
                assert error < 0.15 * spread, (kind, solver, error, spread)
                if "noise_mask" in given:
                    assert torch.equal(rest["samples"][..., 8:, :], g[..., 8:, :])
                    assert not torch.equal(half["samples"][..., 8:, :], g[..., 8:, :])


def _ve(m, level):
    return frames_module.frame_of(m.get_model_object("model_sampling")).to_ve(float(level))


def check_our_second_half_needs_no_sigmas():
    for kind in ("eps", "flow"):
        m, g = model(kind), guide()
        sigmas = levels_of(m)
        half = sample(m, add_noise(m, g, t0=0.7)[0], sigmas=sigmas[:5])[0]
        out, _, report = sample(m, half, steps=6)
        assert "6 steps" in report and f"sigma {_ve(m, sigmas[4]):.4g}" in report and "without" not in report
        assert 0.2 < float(inside(m, out["samples"]).std()) < 0.8 and "sdedit" not in out
        picked = {**half, "samples": half["samples"][1:], "batch_index": [1]}
        alone = sample(m, picked, steps=6)[0]["samples"]
        assert torch.equal(alone[0], out["samples"][1])
        fails(["not the ones that were noised"], sample, m, {**half, "samples": half["samples"] * 2}, steps=6)
        for wrong in (sigmas[2:], sigmas[6:]):
            fails(["sigmas start at"], sample, m, half, sigmas=wrong)


def check_the_law_of_two_halves_is_the_law_of_one_run():
    """Gaussian data: mean and spread of stop-and-go equal the closed form, by every pair of samplers."""
    for kind in ("eps", "flow"):
        m = model(kind, formats.SDXL())
        scale = m.model.latent_format.scale_factor
        g = torch.full((1, 4, 128, 128), 0.8 / scale)
        t0 = host.model_schedule(m).t(0.7)
        latent, top, _ = add_noise(m, g, t0=t0)
        sigmas = levels_of(m, t0=t0, steps=30)
        w = 0.25 / (0.25 + top**2)
        mean, std = 0.2 + w * 0.6, (0.25 * top**2 / (0.25 + top**2) + (w * top) ** 2) ** 0.5
        for solver in ("auto", "sde_2m", "seeds3", "sa_solver"):
            half = sample(m, latent, solver=solver, sigmas=sigmas[:16], positive=cond(0.2))[0]
            out = inside(m, sample(m, half, solver=solver, sigmas=sigmas[15:], positive=cond(0.2))[0]["samples"])
            found = float(out.mean()), float(out.std())
            assert abs(found[0] - mean) < 0.015 and abs(found[1] / std - 1) < 0.04, (kind, solver, found, mean, std)


def check_stock_continues_what_ours_left():
    """Stock euler on our leftover equals euler on the same state started from noise_scaling: nothing is lost."""
    for kind in KINDS:
        m, g = model(kind), guide()
        sigmas = levels_of(m)
        half = sample(m, add_noise(m, g, t0=0.7)[0], sigmas=sigmas[:5])[0]["samples"]
        m.model.seen.clear()
        out = guided(m, torch.zeros_like(g), half, euler(), sigmas[4:])
        ms, level = m.get_model_object("model_sampling"), sigmas[4]
        assert torch.equal(m.model.seen[0][0], ms.noise_scaling(level, torch.zeros_like(g), inside(m, half)))
        assert bool(torch.isfinite(out).all()) and 0.2 < float(inside(m, out).std()) < 0.8
        # deterministic both ways: our ODE to the end and stock euler agree when the steps are fine
        fine = levels_of(m, steps=200)
        left = sample(m, add_noise(m, g, t0=0.7)[0], solver="pf_ode", sigmas=fine[:101])[0]["samples"]
        stock = guided(m, torch.zeros_like(g), left, euler(), fine[100:])
        ours = sample(m, add_noise(m, g, t0=0.7)[0], solver="pf_ode", sigmas=fine)[0]["samples"]
        assert far(stock, ours) / float(ours.abs().max()) < 0.02, (kind, far(stock, ours))


def check_ours_continues_what_stock_left():
    for kind in KINDS:
        m, g = model(kind), guide()
        fine = levels_of(m, steps=200)
        left = guided(m, z_of(g), g, euler(), fine[:101])
        ours = sample(m, {"samples": left}, solver="pf_ode", sigmas=fine[100:])[0]["samples"]
        stock = guided(m, z_of(g), g, euler(), fine)
        assert far(stock, ours) / float(stock.abs().max()) < 0.02, (kind, far(stock, ours))


def check_a_mask_survives_a_stock_first_half():
    """Add VE Noise, stock sampler for some steps, our sampler with the rest: the kept region is the guide again."""
    for kind in ("eps", "flow"):
        m, g = model(kind), guide()
        mask = torch.zeros(1, 16, 16)
        mask[:, :8] = 1.0
        sigmas = levels_of(m)
        latent = add_noise(m, g, t0=0.7, mask=mask)[0]
        left = {**latent, "samples": guided(m, torch.zeros_like(g), latent["samples"], euler(), sigmas[:5])}
        out, _, report = sample(m, left, sigmas=sigmas[4:])
        assert "another sampler" in report
        assert torch.equal(out["samples"][..., 8:, :], g[..., 8:, :])
        assert far(out["samples"][..., :8, :], g[..., :8, :]) > 0.1
        fails(["times the noise"], sample, m, left)


def check_the_sampler_object_stops_and_goes_on():
    for kind in KINDS:
        m, g = model(kind), guide(4, 4, 8, 8)
        sigmas = levels_of(m)
        latent = add_noise(m, g, t0=0.7)[0]
        for solver in ("auto", *MEMORYLESS):
            sampler = node("ReverseSDE", solver=solver, seed=4)[0]
            left = guided(m, torch.zeros_like(g), latent["samples"], sampler, sigmas[:5])
            assert torch.equal(left, sample(m, latent, solver=solver, sigmas=sigmas[:5])[0]["samples"]), (kind, solver)
            rest = guided(m, torch.zeros_like(g), left, sampler, sigmas[4:])
            half = sample(m, {"samples": left}, solver=solver, sigmas=sigmas[4:])[0]["samples"]
            assert torch.equal(rest, half), (kind, solver, far(rest, half))


def check_a_soft_mask_goes_on_where_it_was():
    """Grey pixels that the first half has not reached start at their own level in the second."""
    for kind in ("eps", "flow"):
        m, g = model(kind), guide(1, 4, 64, 64) * 0.0 + 0.5
        mask = torch.zeros(1, 64, 64)
        mask[:, :, 16:32], mask[:, :, 32:48], mask[:, :, 48:] = 0.2, 0.6, 1.0
        sigmas = levels_of(m, t0=0.7, steps=24)
        latent = add_noise(m, g, t0=0.7, mask=mask)[0]
        whole = sample(m, latent, sigmas=sigmas)[0]["samples"]
        half = sample(m, latent, sigmas=sigmas[:6])[0]
        assert abs(half["sdedit"]["mask_t0"] - 0.7) < 1e-6 and half["sdedit"]["t0"] < 0.7
        rest, _, report = sample(m, half, sigmas=sigmas[5:])
        assert "t0 per pixel" in report and torch.equal(rest["samples"][..., :16], g[..., :16])
        for columns in (slice(16, 32), slice(32, 48), slice(48, 64)):
            a, b = (float((x - g)[..., columns].std()) for x in (whole, rest["samples"]))
            assert abs(a / b - 1.0) < 0.06, (kind, columns, a, b)


def check_halves_that_cannot_be_are_explained():
    m, g = model("eps"), guide()
    sigmas = levels_of(m)
    latent = add_noise(m, g, t0=0.7)[0]
    fails(["repeats", "finished picture"], sample, m, latent, sigmas=sigmas[:5], repeats=2)
    fails(["fall"], sample, m, latent, sigmas=sigmas[:5].flip(0))
    clean = add_noise(m, g, t0=0.0)[0]
    fails(["noised to 0"], sample, m, clean, sigmas=sigmas)
    empty = node("SigmasFromT0", model=m, t0=0.0, steps=8, spacing="karras")[0]
    assert torch.equal(sample(m, clean, sigmas=empty)[0]["samples"], g)
