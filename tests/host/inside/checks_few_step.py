"""Distilled host models: D is the end of the probability-flow ODE from x, here of Gaussian data, in closed form."""

import checks
import comfy.model_management
import comfy.model_patcher
import comfy.model_sampling
import torch
from checks import add_noise, cond, fails, formats, guided, host, node, over_t0, sample

STD = 0.05


class Distilled(checks.Exact):
    """D = mu + (x - mu) s / sqrt(s^2 + sigma^2), told to the host through its own model_sampling."""

    def _apply_model(self, x, t, c_concat=None, c_crossattn=None, control=None, transformer_options=None, **kwargs):
        self.seen.append((x.clone(), t.clone(), c_concat))
        ms, s = self.model_sampling, t.reshape(-1, *[1] * (x.ndim - 1))
        mu = c_crossattn[:, 0, 0].reshape(-1, *[1] * (x.ndim - 1))
        flow = isinstance(ms, comfy.model_sampling.CONST)
        x_ve, sigma = (x / (1 - s), s / (1 - s)) if flow else (x, s)
        wanted = mu + (x_ve - mu) * STD / (STD**2 + sigma**2) ** 0.5
        zero = ms.calculate_denoised(t, torch.zeros_like(x), x)
        one = ms.calculate_denoised(t, torch.ones_like(x), x)
        return ms.calculate_denoised(t, (wanted - zero) / (one - zero), x)


def model(kind, latent_format=None, settings=None):
    inner = Distilled(kind, latent_format or formats.SDXL(), settings)
    device = comfy.model_management.get_torch_device()
    return comfy.model_patcher.ModelPatcher(inner, load_device=device, offload_device=device)


def flat(m, shape=(2, 4, 32, 32)):
    return m.model.process_latent_out(torch.full(shape, 0.4))


def inside(m, latent):
    return m.model.process_latent_in(latent["samples"])


def check_few_step_keeps_the_datas_law_and_the_others_say_what_they_are_given():
    for kind, settings in (("eps", {}), ("v", {}), ("flow", {"shift": 3.0}), ("flux", {"shift": 1.15})):
        m = model(kind, settings=settings)
        latent = add_noise(m, flat(m), t0=0.5)[0]
        for steps in (1, 2, 4, 8):
            m.model.seen.clear()
            out, _, report = sample(m, latent, steps=steps, solver="few_step", positive=cond(0.2))
            x = inside(m, out)
            assert abs(float(x.std()) / STD - 1.0) < 0.03, (kind, steps, float(x.std()))
            assert len(m.model.seen) == steps and f"few_step, {steps} steps, {steps} evaluations" in report
            assert "distilled" not in report
        wrong, _, report = sample(m, latent, steps=8, positive=cond(0.2))
        assert "looks distilled" in report and "few_step" in report, (kind, report)
        assert float(inside(m, wrong).std()) > 1.3 * STD
        real = checks.model(kind, formats.SDXL(), settings)
        report = sample(real, add_noise(real, flat(real), t0=0.5)[0], steps=8, positive=cond(0.2))[2]
        assert "distilled" not in report, (kind, report)


def check_nothing_is_said_about_guided_answers():
    m = model("eps")
    latent = add_noise(m, flat(m), t0=0.5)[0]
    report = sample(m, latent, steps=8, positive=cond(0.2), negative=cond(-0.1), cfg=2.0)[2]
    assert "distilled" not in report, report


def check_few_step_runs_on_the_hosts_own_levels():
    """At t0 those of the scheduler simple with denoise = t0; at t0 = 1 those of the whole model."""
    for kind in ("eps", "flow"):
        m = model(kind, settings={"shift": 3.0} if kind == "flow" else {})
        for t0, steps in ((0.5, 2), (0.5, 4), (1.0, 4)):
            m.model.seen.clear()
            sample(m, add_noise(m, flat(m), t0=t0)[0], steps=steps, solver="few_step", positive=cond(0.2))
            levels = [float(t[0]) for _, t, _ in m.model.seen]
            sampling = m.get_model_object("model_sampling")
            stock = checks.comfy.samplers.calculate_sigmas(sampling, "simple", round(steps / t0))[-steps - 1 : -1]
            top = levels[0] if t0 < 1.0 else 1.0
            assert len(levels) == steps
            for ours, theirs in zip(levels[1:], stock[1:].tolist(), strict=True):
                assert abs(ours - theirs) < 0.01 * top, (kind, t0, levels, stock)


def check_the_sampler_object_equals_the_node_for_few_step():
    for kind in ("eps", "flow"):
        m = model(kind)
        g = flat(m, (4, 4, 8, 8))
        latent = add_noise(m, g, t0=0.5)[0]
        sigmas = node("SigmasFromT0", model=m, t0=0.5, steps=4, spacing="uniform t")[0]
        sampler = node("ReverseSDE", solver="few_step", seed=9)[0]
        ours = guided(m, torch.zeros_like(g), latent["samples"], sampler, sigmas)
        given = sample(m, latent, solver="few_step", seed=9, sigmas=sigmas, positive=cond())[0]["samples"]
        own = sample(m, latent, solver="few_step", seed=9, steps=4, positive=cond())[0]["samples"]
        assert torch.equal(ours, given), (kind, float((ours - given).abs().max()))
        assert float((own - given).abs().max()) < 1e-3, (kind, float((own - given).abs().max()))


def check_few_step_keeps_masked_regions():
    mask = torch.zeros(1, 32, 32)
    mask[:, :, :12], mask[:, :, 12:20] = 1.0, 0.6
    for kind in ("eps", "flow"):
        m = model(kind)
        g = checks.guide(2, 4, 32, 32) * 0.3
        latent = add_noise(m, g, t0=0.6, mask=mask)[0]
        out, clean, report = sample(m, latent, steps=4, solver="few_step", positive=cond(0.2))
        assert "few_step, t0 per pixel" in report
        for got in (out, clean):
            assert torch.equal(got["samples"][..., 20:], g[..., 20:])
        x = inside(m, out)
        for part in (x[..., :12], x[..., 12:20]):
            assert abs(float(part.std()) / STD - 1.0) < 0.25, (kind, float(part.std()))


def check_probe_and_sweep_take_few_step():
    m = model("flow", settings={"shift": 3.0})
    *_, report, _ = over_t0("T0Sweep", m, checks.guide(2, 4, 8, 8), steps=2, solver="few_step")
    assert "prediction and bounds are for solvers of the reverse SDE" in report
    over_t0("T0Probe", m, checks.guide(2, 4, 8, 8))


def check_a_score_model_that_says_it_is_distilled():
    core = checks.importlib.import_module("pack.sdedit_core")

    def denoise(x, sigma):
        return 0.4 + (x - 0.4) * STD / (STD**2 + sigma.reshape(-1, 1, 1, 1) ** 2).sqrt()

    own = core.ScoreModel.from_denoiser(denoise, distilled=True)
    m = host.as_model(own)
    picture = torch.full((2, 3, 32, 32), 0.2)
    latent = add_noise(m, picture, t0=0.5)[0]
    out, _, report = sample(m, latent, steps=4, positive=None)
    assert "few_step, 4 steps, 4 evaluations" in report
    assert abs(float(out["samples"].std()) / (2.0 * STD) - 1.0) < 0.03
    alone = core.sdedit(own, (picture + 1.0) / 2.0, t0=0.5, steps=4, seed=3).report.solver
    assert alone == "few_step"
    still = sample(m, add_noise(m, picture, t0=0.0)[0], steps=4, positive=None)[2]
    assert "solver few_step" in still
    fails(["needs a score", "few_step"], sample, m, latent, steps=4, solver="sde_2m", positive=None)
