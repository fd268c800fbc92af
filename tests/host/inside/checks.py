"""Checks that need ComfyUI's Python objects, run by run.py in ComfyUI's own process and folder.

Every ``check_...`` function is one test, here and in the other checks_*.py.  The models are exact: their "network"
returns the posterior mean of a Gaussian through ComfyUI's own model_sampling, so results are compared with closed forms
and with the host, not judged.
"""

import importlib.util
import math
import sys
import time
from itertools import pairwise
from pathlib import Path

sys.argv = [sys.argv[0], "--cpu"]
sys.path.insert(0, str(Path.cwd()))

import comfy.options

comfy.options.enable_args_parsing()

import comfy.latent_formats as formats
import comfy.model_base
import comfy.model_management
import comfy.model_patcher
import comfy.model_sampling
import comfy.samplers
import comfy.supported_models_base
import torch
from comfy.model_base import ModelType

ROOT = Path(__file__).parents[3]
KINDS = {
    "eps": ModelType.EPS,
    "v": ModelType.V_PREDICTION,
    "edm": ModelType.EDM,
    "v_edm": ModelType.V_PREDICTION_EDM,
    "v_continuous": ModelType.V_PREDICTION_CONTINUOUS,
    "cascade": ModelType.STABLE_CASCADE,
    "cosmos": ModelType.FLOW_COSMOS,
    "flow": ModelType.FLOW,
    "flux": ModelType.FLUX,
}
FLOWS = ("flow", "flux")
STD = 0.5


def load_pack(name):
    spec = importlib.util.spec_from_file_location(name, ROOT / "__init__.py", submodule_search_locations=[str(ROOT)])
    sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(sys.modules[name])
    return sys.modules[name].NODE_CLASS_MAPPINGS


load_pack("warm_up")  # compiles the bytecode
_started = time.process_time()
NODES = load_pack("pack")
IMPORT_SECONDS = time.process_time() - _started
host = importlib.import_module("pack.nodes.host")
frames_module = importlib.import_module("pack.nodes.frames")
noise_module = importlib.import_module("pack.sdedit_core.sampling.noise")
state_module = importlib.import_module("pack.sdedit_core.sampling.state")


class Config(comfy.supported_models_base.BASE):
    unet_config = {"disable_unet_model_creation": True}
    unet_extra_config = {}

    def __init__(self, latent_format, settings):
        self.latent_format = lambda: latent_format
        super().__init__(self.unet_config)
        self.sampling_settings = settings
        self.memory_usage_factor = 0.01
        self.set_inference_dtype(torch.float32, None)


class Exact(comfy.model_base.BaseModel):
    """Data N(mu, STD^2) in the model's space; mu comes from the conditioning when there is one."""

    def __init__(self, kind, latent_format, settings=None):
        super().__init__(Config(latent_format, settings or {}), KINDS[kind])
        self.diffusion_model = torch.nn.Linear(1, 1)
        self.diffusion_model.dtype = torch.float32
        self.seen = []

    def _apply_model(self, x, t, c_concat=None, c_crossattn=None, control=None, transformer_options=None, **kwargs):
        self.seen.append((x.clone(), t.clone(), c_concat))
        ms, s = self.model_sampling, t.reshape(-1, *[1] * (x.ndim - 1))
        mu = 0.0 if c_crossattn is None else c_crossattn[:, 0, 0].reshape(-1, *[1] * (x.ndim - 1))
        k = getattr(ms, "noise_scale", 1.0)
        flow = isinstance(ms, comfy.model_sampling.CONST)
        x_ve, sigma = (x / (1 - s), k * s / (1 - s)) if flow else (x, s)
        wanted = (STD**2 * x_ve + sigma**2 * mu) / (STD**2 + sigma**2)
        zero = ms.calculate_denoised(t, torch.zeros_like(x), x)
        one = ms.calculate_denoised(t, torch.ones_like(x), x)
        return ms.calculate_denoised(t, (wanted - zero) / (one - zero), x)


def model(kind="eps", latent_format=None, settings=None):
    inner = Exact(kind, latent_format or formats.SD15(), settings)
    device = comfy.model_management.get_torch_device()
    return comfy.model_patcher.ModelPatcher(inner, load_device=device, offload_device=device)


def cond(mu=0.0):
    return [[torch.full((1, 3, 8), float(mu)), {}]]


def node(name, /, **inputs):
    cls = NODES["SDEdit_" + name]
    return getattr(cls(), cls.FUNCTION)(**inputs)


def add_noise(m, samples, t0=0.4, seed=3, **more):
    latent = {"samples": samples, **more.pop("latent", {})}
    return node("AddVENoise", model=m, latent=latent, t0=t0, seed=seed, **more)


def sample(m, latent, steps=8, solver="auto", seed=4, **more):
    more.setdefault("positive", cond())
    return node("ReverseSDESampler", model=m, latent=latent, steps=steps, solver=solver, seed=seed, **more)


def guide(*shape):
    return torch.randn(*(shape or (2, 4, 16, 16)), generator=torch.Generator().manual_seed(0))


def z_of(samples, seed=3, indices=None):
    """The unit noise that Add VE Noise at t0 uses."""
    indices = indices or range(samples.shape[0])
    return noise_module.NoiseStream(samples.shape[1:], seed=seed, stream="initial", samples=indices)()


def fails(words, function, *args, **kwargs):
    try:
        function(*args, **kwargs)
    except ValueError as problem:
        missing = [w for w in words if w not in str(problem)]
        assert not missing, f"{missing} not in: {problem}"
        return
    raise AssertionError("no error")


def check_the_import_costs_little():
    assert IMPORT_SECONDS < 0.1, IMPORT_SECONDS


# ---------------------------------------------------------------- noising


def check_noised_state_is_the_hosts_own_noise_scaling():
    """Bit for bit: by its formulas, and what a stock sampler leaves that is stopped at its first level."""
    for kind in KINDS:
        for t0 in (0.1, 0.4, 0.731, 1.0):
            m, g = model(kind), guide()
            latent, sigma, _ = add_noise(m, g, t0=t0)
            ms = m.get_model_object("model_sampling")
            level = torch.tensor(frames_module.frame_of(ms).from_ve(sigma), dtype=torch.float32)
            theirs = ms.noise_scaling(level, z_of(g), m.model.process_latent_in(g))
            left = m.model.process_latent_out(ms.inverse_noise_scaling(level, theirs))
            assert torch.equal(left, latent["samples"]), (kind, t0, float((left - latent["samples"]).abs().max()))
            if t0 < 1.0:  # there stock samplers give eps models sqrt(1 + sigma^2) times the noise
                stock = guided(m, z_of(g), g, euler(), level[None])
                assert torch.equal(stock, latent["samples"]), (kind, t0, "stock sampler")


def check_an_empty_latent_stays_empty_as_in_the_host():
    m, g = model("flow", formats.SD3()), torch.zeros(1, 16, 8, 8)
    assert bool(m.model.process_latent_in(g).any()), "a format that shifts"
    latent, sigma, _ = add_noise(m, g, t0=0.9)
    level = torch.tensor([frames_module.frame_of(m.get_model_object("model_sampling")).from_ve(sigma)])
    assert torch.equal(guided(m, z_of(g), g, euler(), level), latent["samples"])


def check_a_score_model_adds_noise_as_the_core_does():
    m = node("ScoreModelLoader", model_name="landscape-alpine", weights="ema", dtype="auto")[0]
    score_model, g = host.score_model_of(m), guide(2, 3, 32, 32).clamp(-1.0, 1.0)
    latent, sigma, _ = add_noise(m, g, t0=0.5)
    state = state_module.perturb(score_model, m.model.process_latent_in(g), 0.5, seed=3)
    assert state.sigma == sigma and torch.equal(m.model.process_latent_out(state.samples), latent["samples"])
    assert torch.equal(guided(m, z_of(g), g, euler(), torch.tensor([sigma])), latent["samples"])


def check_t0_is_one_minus_percent():
    for kind in KINDS:
        ms = model(kind).get_model_object("model_sampling")
        schedule = frames_module.schedule_of(ms)
        assert schedule.sigma(0.0) == 0.0
        values = [schedule.sigma(t / 20) for t in range(1, 21)]
        assert all(a <= b for a, b in pairwise(values)) and math.isfinite(values[-1]), kind
        for t in (0.2, 0.5, 0.8):
            own = float(ms.percent_to_sigma(1 - t))
            assert math.isclose(schedule.sigma(t), frames_module.frame_of(ms).to_ve(own), rel_tol=1e-9), (kind, t)
            assert abs(schedule.sigma(schedule.t(schedule.sigma(t))) / schedule.sigma(t) - 1) < 1e-3, (kind, t)


def check_t0_one_is_finite_and_says_so():
    m = model("flow")
    latent, sigma, text = add_noise(m, guide(), t0=1.0)
    assert math.isfinite(sigma) and "clamped" in text and bool(torch.isfinite(latent["samples"]).all())
    assert bool(torch.isfinite(sample(m, latent)[0]["samples"]).all())


def check_stock_add_noise_is_wrong_on_flow_models_and_ours_is_right():
    m, g = model("flow"), torch.zeros(1, 4, 64, 64) + 0.5
    ms, level = m.get_model_object("model_sampling"), torch.tensor([0.6])
    inside = m.model.process_latent_in(g)
    right = ms.noise_scaling(level, z_of(g), inside).std()
    stock = ms.noise_scaling(level, torch.zeros_like(g), ms.noise_scaling(level, z_of(g), inside)).std()
    latent = add_noise(m, g, t0=0.6)[0]
    ours = ms.noise_scaling(level, torch.zeros_like(g), m.model.process_latent_in(latent["samples"])).std()
    assert abs(float(stock / right) - 0.4) < 1e-3, "the host has changed: the help page says otherwise"
    assert abs(float(ours / right) - 1.0) < 1e-5


# ---------------------------------------------------------------- sampling


def check_the_law_of_the_result_is_the_closed_form():
    for kind in KINDS:
        m = model(kind, formats.SDXL())
        scale = m.model.latent_format.scale_factor
        g = torch.full((1, 4, 128, 128), 0.8 / scale)
        t0 = host.model_schedule(m).t(0.7)
        latent, sigma, _ = add_noise(m, g, t0=t0)
        out = sample(m, latent, steps=30, positive=cond(0.2))[0]["samples"] * scale
        w = STD**2 / (STD**2 + sigma**2)
        mean = 0.2 + w * (0.8 - 0.2)
        std = math.sqrt(STD**2 * sigma**2 / (STD**2 + sigma**2) + (w * sigma) ** 2)
        assert abs(float(out.mean()) - mean) < 0.01, (kind, float(out.mean()), mean)
        assert abs(float(out.std()) / std - 1) < 0.03, (kind, float(out.std()), std)


def check_prompt_negative_and_cfg_reach_the_model():
    for kind in ("eps", "flow"):
        m, g = model(kind), guide()
        latent, sigma, _ = add_noise(m, g)
        out = sample(m, latent, steps=1, positive=cond(0.7), negative=cond(-0.2), cfg=2.0)[0]["samples"]
        x = m.model.process_latent_in(latent["samples"])
        mu = -0.2 + 2.0 * (0.7 + 0.2)
        wanted = m.model.process_latent_out((STD**2 * x + sigma**2 * mu) / (STD**2 + sigma**2))
        assert float((out - wanted).abs().max()) < 2e-4, (kind, float((out - wanted).abs().max()))


def check_t0_zero_and_the_kept_region_are_exact_on_scaled_latents():
    for kind in ("eps", "flow"):
        m, g = (
            model(kind, formats.SD3() if kind == "flow" else formats.SD15()),
            guide(2, 16 if kind == "flow" else 4, 8, 8),
        )
        assert torch.equal(sample(m, add_noise(m, g, t0=0.0)[0])[0]["samples"], g)
        mask = torch.zeros(1, 8, 8)
        mask[:, 2:5, 3:7] = 1.0
        latent = add_noise(m, g, mask=mask)[0]
        for out in sample(m, latent, repeats=2)[:2]:
            same = out["samples"] == g
            keep = mask[:, None].expand_as(g) < 0.5
            assert bool(same[keep].all()) and float(same[~keep].float().mean()) < 0.1
            assert "sdedit" not in out and "noise_mask" in out


def check_video_latents_of_five_dimensions():
    m, g = model("flow", formats.HunyuanVideo()), guide(2, 16, 3, 8, 8)
    mask = torch.zeros(1, 8, 8)
    mask[:, :4] = 1.0
    for options in ({}, {"mask": mask}):
        latent, _, _ = add_noise(m, g, **options)
        out, _, report = sample(m, latent)
        assert out["samples"].shape == g.shape and "RMS change" in report
    keep = out["samples"][..., 4:, :]
    assert torch.equal(keep, g[..., 4:, :])
    assert not torch.equal(out["samples"][..., :4, :], g[..., :4, :])


def check_batch_item_alone_equals_item_in_batch():
    m, g = model("eps"), guide(4, 4, 8, 8)
    latent = add_noise(m, g)[0]
    whole = sample(m, latent, repeats=2)[0]["samples"]
    alone = {**latent, "samples": latent["samples"][2:3], "batch_index": [2]}
    assert torch.equal(sample(m, alone, repeats=2)[0]["samples"][0], whole[2])
    again = add_noise(m, g[2:3], latent={"batch_index": [2]})[0]
    assert torch.equal(sample(m, again, repeats=2)[0]["samples"][0], whole[2])
    assert not torch.equal(whole[0], whole[1])


def check_same_seeds_same_numbers_whatever_the_global_generator():
    m, g = model("eps"), guide()
    results = []
    for state in (1, 2):
        torch.manual_seed(state)
        before = torch.get_rng_state()
        results.append(sample(m, add_noise(m, g)[0])[0]["samples"])
        assert torch.equal(before, torch.get_rng_state()), "the global generator was used"
    assert torch.equal(*results)


def check_inpainting_models_get_mask_and_picture():
    m, g = model("eps"), guide()
    m.model.concat_keys = ("mask", "masked_image")
    mask = torch.zeros(1, 128, 128)
    mask[:, :64] = 1.0
    sample(m, add_noise(m, g, mask=mask)[0], steps=2)
    concat = m.model.seen[0][2]
    assert (
        concat.shape == (2, 5, 16, 16) and bool((concat[:, 0, :8] == 1).all()) and bool((concat[:, 0, 8:] == 0).all())
    )
    assert torch.equal(concat[:, 1:], m.model.process_latent_in(g))


def check_model_patches_see_every_evaluation():
    m, g = model("eps").clone(), guide()
    calls = []

    def wrapper(apply_model, args):
        calls.append(float(args["timestep"][0]))
        return apply_model(args["input"], args["timestep"], **args["c"])

    m.set_model_unet_function_wrapper(wrapper)
    report = sample(m, add_noise(m, g)[0], steps=5)[2]
    assert len(calls) == 5 and "5 evaluations" in report and calls == sorted(calls, reverse=True)


def check_model_sampling_patches_are_honoured():
    class Shifted(comfy.model_sampling.ModelSamplingDiscreteFlow, comfy.model_sampling.CONST):
        pass

    m = model("flow").clone()
    patch = Shifted(m.model.model_config)
    patch.set_parameters(shift=3.0)
    m.add_object_patch("model_sampling", patch)
    assert math.isclose(host.model_schedule(m).sigma(0.5), 3.0, rel_tol=1e-6)  # s = 0.75
    latent, sigma, text = add_noise(m, guide(), t0=0.5)
    assert math.isclose(sigma, 3.0, rel_tol=1e-6) and "0.75" in text
    assert bool(torch.isfinite(sample(m, latent)[0]["samples"]).all())


# ---------------------------------------------------------------- both ways with stock nodes


def euler():
    return comfy.samplers.sampler_object("euler")


def guided(m, noise, latent, sampler, sigmas, seed=0, mask=None):
    g = comfy.samplers.CFGGuider(m)
    g.set_conds(cond(), cond())
    g.set_cfg(1.0)
    return g.sample(noise, latent, sampler, sigmas, denoise_mask=mask, disable_pbar=True, seed=seed)


def check_sigmas_from_t0_equal_ksampler():
    for kind in ("eps", "v", "edm", "flow", "flux"):
        m, g, noise = model(kind), guide(), guide() * 0.7
        for t0, spacing in ((0.6, "karras"), (0.6, "exponential"), (0.6, "uniform t"), (1.0, "karras")):
            sigmas, first, _ = node("SigmasFromT0", model=m, t0=t0, steps=7, spacing=spacing)
            assert sigmas.shape == (8,) and float(sigmas[-1]) == 0.0 and float(sigmas[0]) == first
            ours = guided(m, noise, g, euler(), sigmas)
            stock = comfy.samplers.KSampler(m, 7, m.load_device, "euler", "karras", 1.0, m.model_options)
            given = sigmas if t0 < 1.0 else None  # at t0 = 1 KSampler makes its own levels
            if t0 == 1.0 and kind in FLOWS:
                continue  # stock karras on a flow model is KSampler's own business
            theirs = stock.sample(noise, cond(), cond(), 1.0, latent_image=g, sigmas=given, disable_pbar=True, seed=0)
            assert torch.equal(ours, theirs), (kind, t0, spacing, float((ours - theirs).abs().max()))


def check_denoise_of_the_even_schedulers_is_t0():
    for kind in ("eps", "v", "flow", "flux"):
        m = model(kind)
        schedule = host.model_schedule(m)
        for scheduler in ("normal", "simple", "sgm_uniform"):
            for denoise in (0.3, 0.5, 0.7):
                stock = comfy.samplers.KSampler(m, 20, m.load_device, "euler", scheduler, denoise, m.model_options)
                t0 = schedule.t(
                    frames_module.frame_of(m.get_model_object("model_sampling")).to_ve(float(stock.sigmas[0]))
                )
                assert abs(t0 - denoise) < 0.02, (kind, scheduler, denoise, t0)


def check_denoise_of_the_other_schedulers_is_what_the_documents_say():
    documented = {
        ("eps", "beta"): (0.24, 0.50, 0.65, 0.78, 0.88),
        ("eps", "karras"): (0.10, 0.41, 0.59, 0.73, 0.83),
        ("eps", "exponential"): (0.03, 0.21, 0.40, 0.60, 0.75),
        ("flux", "karras"): (0.00, 0.02, 0.03, 0.08, 0.14),
    }
    for (kind, scheduler), values in documented.items():
        m = model(kind, formats.SDXL() if kind == "eps" else formats.Flux())
        schedule, frame = host.model_schedule(m), frames_module.frame_of(m.get_model_object("model_sampling"))
        for denoise, wanted in zip((0.3, 0.5, 0.6, 0.7, 0.8), values, strict=True):
            stock = comfy.samplers.KSampler(m, 20, m.load_device, "euler", scheduler, denoise, m.model_options)
            t0 = schedule.t(frame.to_ve(float(stock.sigmas[0])))
            assert abs(t0 - wanted) < 0.0075, (kind, scheduler, denoise, t0, wanted)


def check_stock_sampler_continues_our_state():
    for kind in KINDS:
        m, g = model(kind), guide()
        sigmas = node("SigmasFromT0", model=m, t0=0.5, steps=6, spacing="karras")[0]
        latent = add_noise(m, g, t0=0.5)[0]["samples"]
        ours = guided(m, torch.zeros_like(g), latent, euler(), sigmas)
        theirs = guided(m, z_of(g), g, euler(), sigmas)
        error = float((ours - theirs).abs().max() / theirs.abs().max())
        assert error < 1e-5, (kind, error)


def check_our_sampler_continues_a_stock_state():
    for kind in ("eps", "flow"):
        m, g = model(kind), guide()
        sigmas = node("SigmasFromT0", model=m, t0=0.7, steps=8, spacing="karras")[0]
        left = guided(m, z_of(g), g, euler(), sigmas[:4])  # leftover noise at sigmas[3]
        out, _, report = sample(m, {"samples": left}, sigmas=sigmas[3:])
        assert "without a clean guide" in report and "5 steps" in report
        assert 0.2 < float(m.model.process_latent_in(out["samples"]).std()) < 0.8


def check_sampler_object_equals_the_sampler_node():
    for kind in ("eps", "edm", "flow"):
        m, g = model(kind), guide(4, 4, 8, 8)
        latent = add_noise(m, g, t0=0.5)[0]
        sigmas = node("SigmasFromT0", model=m, t0=0.5, steps=6, spacing="karras")[0]
        for solver in ("auto", "ancestral", "reverse_diffusion"):
            sampler = node("ReverseSDE", solver=solver, seed=9)[0]
            ours = guided(m, torch.zeros_like(g), latent["samples"], sampler, sigmas)
            theirs = sample(m, latent, solver=solver, seed=9, sigmas=sigmas)[0]["samples"]
            assert torch.equal(ours, theirs), (kind, solver, float((ours - theirs).abs().max()))


def check_sampler_object_keeps_a_masked_region_with_stock_noise():
    m, g = model("eps"), guide()
    sigmas = node("SigmasFromT0", model=m, t0=0.5, steps=6, spacing="karras")[0]
    mask = torch.zeros(1, 1, 16, 16)
    mask[..., :8] = 1.0
    sampler = node("ReverseSDE", solver="auto", seed=9)[0]
    out = guided(m, guide(), g, sampler, sigmas, mask=mask)
    assert float((out - g)[..., 8:].abs().max()) < 1e-5 and float((out - g)[..., :8].abs().mean()) > 0.1
    latent = add_noise(m, g, t0=0.5)[0]["samples"]
    fails(["Reverse SDE Sampler"], guided, m, torch.zeros_like(g), latent, sampler, sigmas, mask=mask)


# ---------------------------------------------------------------- errors


class Flat:
    """A VAE that shows the first three channels; frames as ComfyUI's video VAEs give them."""

    def decode(self, samples):
        return samples[:, :3].movedim(1, -1).sigmoid().repeat_interleave(2, -2).repeat_interleave(2, -3)


def over_t0(name, m, samples, **more):
    more = {"latent": {"samples": samples}, "vae": Flat(), "t0_values": "0, 0.3, 0.6", "seed": 3, **more}
    more.setdefault("positive", cond())
    return node(name, model=m, **more)


def check_a_sweep_is_the_run_of_the_two_nodes_on_every_kind_of_model():
    for kind in KINDS:
        m, g = model(kind), guide(1, 4, 16, 16)
        *_, pictures, latent, csv, report, _ = over_t0("T0Sweep", m, g, steps=6, solver="auto")
        assert latent["samples"].shape == (3, 4, 16, 16) and pictures.shape == (3, 32, 32, 3), kind
        assert torch.equal(latent["samples"][:1], g), "t0 0 is the guide"
        assert len(csv.splitlines()) == 4 and "connect real pictures" in report
        single = sample(m, add_noise(m, g, t0=0.6)[0], steps=6, seed=3)[0]["samples"]
        assert torch.allclose(latent["samples"][2:], single, atol=2e-3, rtol=2e-3), kind


def check_a_probe_on_every_kind_of_model():
    for kind in KINDS:
        m, g = model(kind), guide(2, 4, 16, 16)
        sheet, latent, report = over_t0("T0Probe", m, g)
        assert latent["samples"].shape == (6, 4, 16, 16) and sheet.shape[0] == 1 and "latent's own units" in report
        assert torch.equal(latent["samples"][:2], g), "t0 0 is the guide"


def check_an_item_taken_out_of_a_batch_is_the_same_over_t0():
    for m, g in ((model("eps"), guide(4, 4, 16, 16)), (model("flow"), guide(4, 4, 16, 16))):
        alone = {"latent": {"samples": g[2:3], "batch_index": [2]}}
        for name, more in (("T0Probe", {}), ("T0Sweep", {"steps": 4, "solver": "auto"})):
            whole, one = (
                next(out for out in over_t0(name, m, g, **more, **taken) if isinstance(out, dict))["samples"]
                for taken in ({}, alone)
            )
            assert one.shape[0] == 3
            assert torch.equal(one, whole[2::4]), name
        picked = add_noise(m, g[2:3], t0=0.6, latent={"batch_index": [2]})[0]
        single = sample(m, picked, steps=4, seed=3)[0]["samples"]
        assert torch.allclose(one[2:], single, atol=2e-3, rtol=2e-3), "the two nodes"


def check_prompts_masks_and_videos_over_t0():
    m, g = model("flow", formats.HunyuanVideo()), guide(1, 16, 3, 8, 8)
    mask = torch.zeros(1, 8, 8)
    mask[:, :4] = 1.0
    for name, more in (("T0Probe", {}), ("T0Sweep", {"steps": 4, "solver": "auto"})):
        found = over_t0(name, m, g, mask=mask, **more)
        samples = next(out for out in found if isinstance(out, dict))["samples"]
        assert samples.shape == (3, *g.shape[1:])
        assert torch.equal(samples[2:][..., 4:, :], g[..., 4:, :])
        assert not torch.equal(samples[2:][..., :4, :], g[..., :4, :])
        fails("made for text", over_t0, name, m, g, positive=None, **more)
        fails("negative is not connected", over_t0, name, m, g, cfg=3.0, **more)
        noised = add_noise(m, g, t0=0.3)[0]
        fails("clean latent", over_t0, name, m, g, latent=noised, **more)
    m, g = model(), guide(1, 4, 16, 16)
    means = []
    for mu in (-1.0, 1.0):
        more = {"negative": cond(0.0), "cfg": 2.0, "positive": cond(mu), "t0_values": "0.9"}
        means.append(float(over_t0("T0Probe", m, g, **more)[1]["samples"].mean()))
    assert means[1] - means[0] > 1.0, means


def check_wrong_inputs_are_explained():
    m, g = model("eps"), guide()
    latent = add_noise(m, g)[0]
    fails(["positive"], sample, m, latent, positive=None)
    fails(["negative", "cfg"], sample, m, latent, cfg=4.0)
    fails(["steps"], sample, m, latent, steps=0)
    fails(["4 channels"], add_noise, m, guide(1, 16, 8, 8))
    fails(["t0"], add_noise, m, g, t0=1.1)
    fails(["t0"], add_noise, m, g, t0=float("nan"))
    fails(["NaN"], add_noise, m, g * float("nan"))
    fails(["NaN"], add_noise, m, g, mask=torch.full((1, 8, 8), float("nan")))
    fails(["another model"], sample, model("eps", formats.SDXL()), latent)
    sigmas = node("SigmasFromT0", model=m, t0=0.5, steps=6, spacing="karras")[0]
    fails(["fall"], sample, m, {"samples": g}, sigmas=sigmas.flip(0))
    fails(["empty"], sample, m, {"samples": g}, sigmas=torch.zeros(0))
    masked = {"samples": latent["samples"], "noise_mask": torch.zeros(1, 1, 16, 16)}
    fails(["clean guide"], sample, m, masked, sigmas=sigmas)
    m.model.model_sampling = comfy.model_base.model_sampling(m.model.model_config, ModelType.IMG_TO_IMG)
    fails(["noise levels"], add_noise, m, g)


def check_wrong_pictures_are_explained():
    picture = torch.rand(1, 64, 64, 3)

    def build(images):
        return node("ScoreModelFromImages", images=images, palette_freedom=0.0, position_aware=False, size=0)

    fails(["at least one"], build, picture[:0])
    fails(["NaN"], build, picture * float("nan"))
    fails(["3 colour channels"], build, picture[..., :2])
    fails(["16"], build, picture[:, :8])
    m = build(picture.expand(1, 64, 64, 3))[0]
    fails(["3 channels"], add_noise, m, guide(1, 4, 8, 8))
    fails(["3 channels"], add_noise, m, guide(1, 3, 2, 64, 64))
    fails(["values run from"], add_noise, m, guide(1, 3, 64, 64) * 40)
    fails(["cat", "alpine"], node, "ExampleGuide", name="cat", width=64, height=64)


def check_changed_latents_are_noticed():
    m, g = model("eps"), guide()
    latent = add_noise(m, g)[0]
    late = torch.tensor([0.0, 0.0, 1e-3]).reshape(3, 1, 1, 1)
    fails(["resized"], sample, m, {**latent, "samples": latent["samples"][..., :8]})
    fails(["times the noise"], sample, m, {**latent, "samples": latent["samples"] * 2})
    again = sample(m, {**latent, "samples": latent["samples"][[0, 1, 0]]})[0]["samples"]
    assert torch.equal(again[:2], sample(m, latent)[0]["samples"]), "every item finds its own guide"
    fails(
        ["picture 3 of", "Join the clean guides"], sample, m, {**latent, "samples": latent["samples"][[0, 1, 0]] + late}
    )
    sigmas = node("SigmasFromT0", model=m, t0=0.4, steps=6, spacing="karras")[0]
    report = sample(m, {**latent, "samples": latent["samples"] * 2}, sigmas=sigmas)[2]
    assert "not used" in report and "times the noise" in report


# ---------------------------------------------------------------- our own MODEL


def check_score_models_load_fully_and_pass_through_stock_code():
    m, vae, info, empty = node("ScoreModelLoader", model_name="landscape-alpine", weights="ema", dtype="auto")
    assert "landscape-alpine" in info and "start with t0 0.25" in info.splitlines() and empty == [[None, {}]]
    wrappers = comfy.patcher_extension.get_all_wrappers(
        comfy.patcher_extension.WrappersMP.PREPARE_SAMPLING, {"transformer_options": {"wrappers": m.wrappers}}, True
    )
    assert len(wrappers) == 1
    levels = torch.arange(256, dtype=torch.float32).reshape(1, 16, 16, 1).expand(1, 16, 16, 3) / 255
    latent = vae.encode(levels)
    kept = latent.clone()
    assert torch.equal(vae.decode(latent), levels) and torch.equal(latent, kept), (
        "pixel VAE is exact and has no side effect"
    )
    for scheduler in comfy.samplers.SCHEDULER_NAMES:
        sigmas = comfy.samplers.calculate_sigmas(m.get_model_object("model_sampling"), scheduler, 6)
        assert len(sigmas) >= 3 and float(sigmas[-1]) == 0.0 and bool((sigmas[:-1] > sigmas[1:]).all()), scheduler
        assert float(sigmas[0]) <= 348.1, scheduler
