"""Noise share, and denoise of img2img, on models of every kind and on ComfyUI's own model classes.  Run by run.py."""

import importlib
import math

import comfy.supported_models
import torch
from checks import (
    FLOWS,
    KINDS,
    ROOT,
    add_noise,
    comfy,
    fails,
    frames_module,
    guide,
    host,
    model,
    node,
    sample,
    z_of,
)

load = importlib.import_module("pack.sdedit_core.load")
UNIT = "noise share"
SHARES = (0.05, 0.3, 0.5, 0.6, 0.72, 0.9)
SHIFTS = (("flow", 1.0), ("flow", 3.0), ("flow", 8.0), ("flux", 1.15), ("flux", 2.02))
KNOWN = (0.45, 0.7)  # the shares that the table of the documents is for
TABLE = "| Model | shift |"


def frame(m):
    return frames_module.frame_of(m.get_model_object("model_sampling"))


def own_level(m, sigma):
    return frame(m).from_ve(sigma)


def every_model():
    """A MODEL of every kind of the host, with shifts, and a score model of ours."""
    yield from ((kind, model(kind)) for kind in KINDS if kind not in FLOWS)
    yield from ((f"{kind} {shift}", model(kind, settings={"shift": shift})) for kind, shift in SHIFTS)
    yield "EDM of spread 0.5", model("edm", settings={"sigma_data": 0.5})
    yield "score model", host.as_model(load.load_score_model("landscape-alpine"))


# ---------------------------------------------------------------- noise share


def check_noise_share_of_a_flow_model_is_its_own_level():
    for kind, shift in SHIFTS:
        m, g = model(kind, settings={"shift": shift}), guide()
        ms = m.get_model_object("model_sampling")
        for share in SHARES:
            latent, sigma, text = add_noise(m, g, t0=share, unit=UNIT)
            assert abs(own_level(m, sigma) - share) < 1e-12, (kind, shift, share, own_level(m, sigma))
            assert f"noise share {share:.4g}" in text and f"own noise level: {share:.4g}" in text, text
            inside = m.model.process_latent_in(g)
            level = torch.tensor(share)
            theirs = ms.inverse_noise_scaling(level, ms.noise_scaling(level, z_of(g), inside))
            assert torch.allclose(m.model.process_latent_out(theirs), latent["samples"], rtol=1e-5, atol=1e-5)
            sigmas, first, words = node("SigmasFromT0", model=m, t0=share, steps=4, spacing="karras", unit=UNIT)
            assert abs(first - share) < 1e-6 and float(sigmas[0]) == first and f"noise share {share:.4g}" in words


def check_noise_share_is_the_same_ratio_on_every_model():
    for name, m in every_model():
        spread = {"EDM of spread 0.5": 0.5, "score model": 0.25}.get(name, 1.0)
        assert host.data_std(m) == spread, name
        g = guide(1, 3, 16, 16).clamp(-1, 1) if name == "score model" else guide()
        for share in SHARES:
            _, sigma, text = add_noise(m, g, t0=share, unit=UNIT)
            assert math.isclose(sigma, spread * share / (1.0 - share), rel_tol=1e-5), (name, share, sigma)
            assert f"noise share {share:.4g}" in text, (name, text)


def check_noise_share_with_a_noise_scale_counts_the_noise_that_is_added():
    m, g = model("flow", settings={"shift": 3.0, "noise_scale": 8.0}), guide()
    if frame(m).noise_scale == 1.0:
        return  # a host that has no noise scale
    latent, sigma, _ = add_noise(m, g, t0=0.6, unit=UNIT)
    assert math.isclose(sigma, 1.5, rel_tol=1e-9)
    assert math.isclose(own_level(m, sigma), 1.5 / 9.5, rel_tol=1e-9)
    added = m.model.process_latent_in(latent["samples"]) - m.model.process_latent_in(g)
    assert torch.allclose(added, 1.5 * z_of(g), atol=1e-4)


def check_the_ends_of_the_noise_share():
    for name, m in every_model():
        g = guide(1, 3, 16, 16).clamp(-1, 1) if name == "score model" else guide()
        latent, sigma, text = add_noise(m, g, t0=0.0, unit=UNIT)
        assert sigma == 0.0 and torch.equal(latent["samples"], g) and "the guide comes back" in text, name
        latent, sigma, text = add_noise(m, g, t0=1.0, unit=UNIT)
        assert sigma == host.model_schedule(m).sigma_max and "it was clamped to" in text, (name, text)
        assert torch.equal(latent["samples"], add_noise(m, g, t0=1.0)[0]["samples"]), name
        words = node("SigmasFromT0", model=m, t0=1.0, steps=4, spacing="karras", unit=UNIT)[2]
        assert "it was clamped to" in words, name
        fails(["noise share", "between 0"], add_noise, m, g, t0=1.2, unit=UNIT)
    m, g = model("eps"), guide()
    latent, sigma, text = add_noise(m, g, t0=0.001, unit=UNIT)
    assert sigma == 0.0 and torch.equal(latent["samples"], g) and "less than this model's smallest level" in text
    latent, sigma, text = add_noise(m, g, t0=0.99, unit=UNIT)
    assert "clamped to 0.936, at t0 = 1" in text, text
    assert "clamped" in sample(m, latent, steps=2)[2], "the sampler's report says it too"
    fails(["unit of t0", "noise share"], add_noise, m, g, t0=0.5, unit="denoise")


def check_an_edit_at_a_noise_share_is_the_edit_at_its_t0():
    for name, m in every_model():
        g = guide(1, 3, 16, 16).clamp(-1, 1) if name == "score model" else guide()
        latent, sigma, _ = add_noise(m, g, t0=0.6, unit=UNIT)
        t0 = latent["sdedit"]["t0"]
        assert host.model_schedule(m).sigma(t0) == sigma, name
        same = add_noise(m, g, t0=t0)[0]
        assert torch.equal(latent["samples"], same["samples"]), name
        one, two = (sample(m, given, steps=2) for given in (latent, same))
        assert torch.equal(one[0]["samples"], two[0]["samples"]) and "noise share 0.6)" in one[2], (name, one[2])


def check_probe_and_sweep_take_noise_shares():
    m, g = host.as_model(load.load_score_model("landscape-alpine")), guide(1, 3, 16, 16).clamp(-1, 1)
    given = {"model": m, "latent": {"samples": g}, "vae": host.PixelVAE(), "t0_values": "0.4, 0.6", "seed": 3}
    wanted = [host.model_schedule(m).t(0.25 * share / (1.0 - share)) for share in (0.4, 0.6)]
    assert "share 0.4" in node("T0Probe", **given, unit=UNIT)[2]
    more = {"steps": 2, "solver": "auto"}
    found = node("T0Sweep", **given, **more, unit=UNIT)
    same = node("T0Sweep", **{**given, "t0_values": ", ".join(map(repr, wanted))}, **more)
    assert torch.equal(found[3]["samples"], same[3]["samples"])
    assert found[6] in wanted, "the t0 output is in model time"
    picked = node("T0Sweep", **given, **more, unit=UNIT, picks="2")
    assert picked[6] == wanted[1] and "noise share 0.6 after 1 pick" in picked[5], picked[5]
    assert "denoise of a KSampler" in picked[5]


# ---------------------------------------------------------------- denoise of img2img


def ksampler_start(m, scheduler, steps, denoise):
    stock = comfy.samplers.KSampler(m, steps, m.load_device, "euler", scheduler, denoise, m.model_options)
    return float(stock.sigmas[0])


def denoise_of(text):
    return float(text.split("like denoise ")[1].split(" ")[0])


def check_the_denoise_of_the_read_out_is_ksamplers():
    """The scheduler simple starts where the read-out says, for many steps; the other even ones within 0.01."""
    dial = importlib.import_module("pack.nodes.dial")
    for name, m in every_model():
        schedule = host.model_schedule(m)
        for t0 in (0.15, 0.3, 0.45, 0.6, 0.8):
            sigma = schedule.sigma(t0)
            denoise = dial.denoise_at(m, sigma)
            g = guide(1, m.model.latent_format.latent_channels, 16, 16).clamp(-1, 1)
            assert abs(denoise_of(add_noise(m, g, t0=t0)[2]) - denoise) < 1e-3
            if denoise < 0.01:
                continue
            steps = round(1000 * denoise)
            for scheduler, near in (("simple", 0.003), ("sgm_uniform", 0.01), ("normal", 0.01)):
                if scheduler != "simple" and name in ("v_continuous", "cosmos"):
                    continue  # their timesteps are even on another clock than their table
                start = schedule.t(frame(m).to_ve(ksampler_start(m, scheduler, steps, denoise)))
                assert abs(start - t0) < near, (name, scheduler, t0, denoise, start)


def check_denoise_at_few_steps_starts_where_the_documents_say():
    """KSampler runs the last n of int(n / d) steps, so at few steps there are few starts."""
    dial = importlib.import_module("pack.nodes.dial")
    for name, m in every_model():
        levels = len(m.get_model_object("model_sampling").sigmas)
        for steps in (1, 4, 8, 20):
            for denoise in (0.3, 0.45, 0.6, 0.75, 0.9):
                start = ksampler_start(m, "simple", steps, denoise)
                wanted = steps / int(steps / denoise)
                found = dial.simple_denoise(m.get_model_object("model_sampling").sigmas, start)
                assert abs(found - wanted) < 1.01 / levels + 1e-5, (name, steps, denoise, wanted)


# ---------------------------------------------------------------- the table of the documents


class _FoundError(Exception):
    pass


def config_of(class_name):
    return getattr(comfy.supported_models, class_name)({"hidden_size": 64})


def sampling_of(class_name):
    """The model_sampling that ComfyUI gives a model of this class of supported_models, without building the network."""
    base, config = comfy.model_base.BaseModel, config_of(class_name)
    original = base.__init__

    def stop(self, model_config, model_type=comfy.model_base.ModelType.EPS, **more):
        raise _FoundError(model_type)

    base.__init__ = stop
    try:
        config.get_model({}, "")
    except _FoundError as found:
        return comfy.model_base.model_sampling(config, found.args[0])
    finally:
        base.__init__ = original
    raise AssertionError(class_name)


def patched(node_name, class_name, *values):
    """The model_sampling that one of ComfyUI's ModelSampling nodes puts on a model of this class."""
    extras = importlib.import_module("comfy_extras.nodes_model_advanced")
    m = model("flow")
    m.model.model_config = config_of(class_name)
    m.model.model_sampling = sampling_of(class_name)
    return getattr(extras, node_name)().patch(m, *values)[0].get_model_object("model_sampling")


def flow_shift(ms):
    """a of s = a t / (1 + (a - 1) t), read off the model's table of levels."""
    s, t = float(ms.sigmas[len(ms.sigmas) // 2 - 1]), (len(ms.sigmas) // 2) / len(ms.sigmas)
    return s * (1.0 - t) / (t * (1.0 - s))


MODELS = {
    "SD 1.5, SDXL": [lambda: sampling_of("SD15"), lambda: sampling_of("SDXL")],
    "Flux.1 schnell": [lambda: sampling_of("FluxSchnell")],
    "SD3, SD 3.5": [lambda: sampling_of("SD3"), lambda: patched("ModelSamplingSD3", "SD3", 3.0)],
    "Z-Image": [lambda: sampling_of("ZImage"), lambda: patched("ModelSamplingAuraFlow", "ZImage", 3.0)],
    "Qwen-Image, template": [lambda: patched("ModelSamplingAuraFlow", "QwenImage", 3.1)],
    "Flux.1 at 1024 px, Qwen-Image": [
        lambda: sampling_of("Flux"),
        lambda: sampling_of("QwenImage"),
        lambda: patched("ModelSamplingFlux", "Flux", 1.15, 0.5, 1024, 1024),
    ],
    "Wan 2.1, 2.2, template": [lambda: patched("ModelSamplingSD3", "WAN21_T2V", 5.0)],
    "HunyuanVideo": [lambda: sampling_of("HunyuanVideo"), lambda: sampling_of("HunyuanVideo15")],
    "Flux.2": [lambda: sampling_of("Flux2")],
    "Wan 2.1, 2.2": [
        lambda: sampling_of("WAN21_T2V"),
        lambda: sampling_of("WAN22_T2V"),
        lambda: patched("ModelSamplingSD3", "WAN21_T2V", 8.0),
    ],
    "LTX, LTX-2": [lambda: sampling_of("LTXV"), lambda: sampling_of("LTXAV")],
}


def row(name, ms):
    schedule = frames_module.schedule_of(ms)
    sigma = schedule.sigma(0.4)
    shift = f"{flow_shift(ms):.2f}".rstrip("0").rstrip(".") if schedule.frame.flow else "none"
    low, high = (schedule.t(share / (1.0 - share)) for share in KNOWN)
    return f"| {name} | {shift} | {sigma / (sigma + 1.0):.2f} | {low:.2f} to {high:.2f} |"


def check_the_table_of_noise_shares_is_this_hosts():
    wanted = []
    for name, makers in MODELS.items():
        rows = {row(name, make()) for make in makers}
        assert len(rows) == 1, rows
        wanted += rows
    lines = (ROOT / "docs" / "choosing-t0.md").read_text(encoding="utf-8").splitlines()
    first = next((i for i, line in enumerate(lines) if line.startswith(TABLE)), len(lines) - 1) + 2
    found = []
    for line in lines[first:]:
        if not line.startswith("|"):
            break
        found.append(line)
    assert found == wanted, "the table should be:\n" + "\n".join(wanted)


def check_the_scheduler_of_flux_2_has_the_shifts_that_the_documents_say():
    schedule = importlib.import_module("comfy_extras.nodes_flux").get_schedule
    for steps, wanted in ((20, 9.0), (4, 9.9)):
        s, t = float(schedule(steps, 4096)[steps // 2]), 0.5
        assert abs(s * (1.0 - t) / (t * (1.0 - s)) - wanted) < 0.05
