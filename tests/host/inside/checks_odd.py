"""Whatever comes in at a node: a right picture or a sentence, never a crash and never a silent wrong picture."""

import importlib

import torch
from checks import add_noise, cond, fails, formats, guide, host, model, node, sample

guided, sweep = (importlib.import_module(f"pack.nodes.{name}") for name in ("guided", "t0_sweep"))


class Pictures:
    """A VAE whose pictures do not matter."""

    def decode(self, samples):
        frames = samples.shape[0] * (samples.shape[2] if samples.ndim == 5 else 1)
        return torch.full((frames, 64, 64, 3), 0.25)


def over_t0(name, m, latent, **more):
    inputs = {"model": m, "latent": latent, "vae": Pictures(), "t0_values": "0.3", "seed": 1, "positive": cond()}
    inputs |= {"steps": 1, "solver": "auto"} if name == "T0Sweep" else {}
    return node(name, **inputs, **more)


def masked(mask, m, g):
    """Every way of a mask into a node, with these samples."""
    noised = add_noise(m, g)[0]
    return [
        lambda: add_noise(m, g, mask=mask),
        lambda: add_noise(m, g, latent={"noise_mask": mask}),
        lambda: sample(m, {**noised, "noise_mask": mask}, steps=2),
        lambda: over_t0("T0Probe", m, {"samples": g}, mask=mask),
        lambda: over_t0("T0Probe", m, {"samples": g, "noise_mask": mask}),
        lambda: over_t0("T0Sweep", m, {"samples": g}, mask=mask),
        lambda: over_t0("T0Sweep", m, {"samples": g, "noise_mask": mask}),
        lambda: node("EditReport", guide=torch.rand(2, 64, 64, 3), picture=torch.rand(2, 64, 64, 3), mask=mask),
        lambda: node("FitImage", model=m, image=torch.rand(2, 64, 64, 3), method="crop", mask=mask),
    ]


def check_odd_masks_are_explained():
    one = torch.ones(1, 16, 16)
    odd = {
        "shape (0, 16, 16)": one[:0],
        "shape (1, 0, 16)": one[:, :0],
        "shape ()": torch.tensor(1.0),
        "shape (16,)": torch.ones(16),
        "shape (1, 1, 1, 1, 16, 16)": one[None, None, None],
        "shape (2, 4, 16, 16)": torch.ones(2, 4, 16, 16),
        "shape (2, 16, 16, 3)": torch.ones(2, 16, 16, 3),
        "3 masks": torch.ones(3, 16, 16),
        "NaN": one * float("nan"),
        "infinite": one * float("inf"),
        "255": (one * 255).to(torch.uint8),
        "from 0 to 255": torch.cat([one * 0, one * 255]),
        "from -5": one * -5,
        "complex": one.to(torch.complex64),
        "got a tensor": one.to_sparse(),
        "got list": [[1.0]],
        "got str": "mask",
    }
    m, g = model("eps"), guide()
    for words, mask in odd.items():
        for way in masked(mask, m, g):
            fails(["3 masks"] if words == "3 masks" else ["mask", words], way)


def check_masks_of_all_types_and_ranks_are_the_same_mask():
    """Half of the picture, however it is written, gives the very same picture."""
    m, g = model("eps"), guide()
    half = torch.zeros(16, 16)
    half[:, :8] = 1.0
    wanted = sample(m, add_noise(m, g, mask=half[None])[0])[0]["samples"]
    assert torch.equal(wanted[..., 8:], g[..., 8:]) and not torch.equal(wanted[..., :8], g[..., :8])
    types = [half.to(kind)[None] for kind in (torch.bool, torch.uint8, torch.int64, torch.float16, torch.float64)]
    for mask in (half, *types, half[None, None], half[None, None, None], half.expand(2, 16, 16)):
        assert torch.equal(sample(m, add_noise(m, g, mask=mask)[0])[0]["samples"], wanted), (mask.dtype, mask.shape)
        given = add_noise(m, g, latent={"noise_mask": mask})[0]
        assert torch.equal(sample(m, given)[0]["samples"], wanted), (mask.dtype, mask.shape)
        for way in masked(mask, m, g):
            way()


def check_every_item_of_one_frame_has_its_own_mask():
    """Models for video make single pictures too: a batch of masks is then one for each, not frames of one."""
    g = guide(2, 4, 1, 16, 16)
    m = model("eps")
    masks = torch.zeros(2, 16, 16)
    masks[0, :8], masks[1, 8:] = 1.0, 1.0
    fitted = host.fit_mask(masks, g)
    assert fitted.shape == (2, 1, 1, 16, 16) and torch.equal(fitted[:, 0, 0], masks)
    assert host.fit_mask(masks, guide(1, 4, 2, 16, 16)).shape == (1, 1, 2, 16, 16), "frames of a video"
    assert m is not None


def check_masks_of_the_frames_of_a_video():
    m, g = model("flow", formats.HunyuanVideo()), guide(2, 16, 3, 8, 8)
    frames = torch.zeros(3, 8, 8)
    frames[0], frames[2, :4] = 1.0, 1.0
    for mask in (frames, frames[:, None], frames[None, None], frames[None, None].expand(2, 1, 3, 8, 8)):
        for name in ("T0Probe", "T0Sweep"):
            found = over_t0(name, m, {"samples": g}, mask=mask)
            samples = next(out for out in found if isinstance(out, dict))["samples"]
            moved = (samples != g).flatten(0, 1).any(0)
            assert torch.equal(moved, frames > 0.0), name
        job = guided.find_job("t0 Sweep", m, {"samples": g}, mask, cond(), None, 1.0)
        shown = sweep.on_pictures(job, torch.zeros(6, 3, 8, 8))
        assert torch.equal(shown[:, 0], torch.cat([frames, frames]))


def check_odd_latents_are_explained():
    m, g = model("eps"), guide()
    noised = add_noise(m, g)[0]
    odd = {
        "NoneType": None,
        "list": [1.0],
        "empty": g[:0],
        "empty latent": g[..., :0],
        "shape (16, 16)": g[0, 0],
        "Tensor": g.to(torch.complex64),
        "LATENT": g.to_sparse(),
        "NaN": g * float("nan"),
    }
    for words, samples in odd.items():
        fails([words], add_noise, m, samples)
        fails([words], sample, m, {**noised, "samples": samples})
        for name in ("T0Probe", "T0Sweep"):
            fails([words], over_t0, name, m, {"samples": samples})
    for latent in (None, [], "x", {}):
        fails(["needs a LATENT"], sample, m, latent)
    for numbers in ([0.5, 1], ["a", "b"], [[0], [1]], 3, "01", torch.tensor([0.0, 1.0]), [None, None]):
        for way in (add_noise, sample):
            given = (g,) if way is add_noise else ({**noised, "batch_index": numbers},)
            more = {"latent": {"batch_index": numbers}} if way is add_noise else {}
            fails(["batch_index", "whole numbers"], way, m, *given, **more)
        fails(["batch_index"], over_t0, "T0Probe", m, {"samples": g, "batch_index": numbers})
    listed = add_noise(m, g, latent={"batch_index": [4, 2]})[0]["samples"]
    for numbers in (torch.tensor([4, 2]), (4, 2)):
        assert torch.equal(add_noise(m, g, latent={"batch_index": numbers})[0]["samples"], listed)
    fails(["sigmas must be SIGMAS"], sample, m, noised, sigmas=[0.5, 0.0])


def check_odd_carried_state_is_explained():
    m, g = model("eps"), guide()
    latent = add_noise(m, g)[0]
    state = latent["sdedit"]
    good = sample(m, latent)[0]["samples"]
    assert torch.equal(sample(m, {**latent, "sdedit": {**state, "from the future": 1}})[0]["samples"], good)
    odd = [None, "x", -1.0, float("nan"), 10**400, [], {}, [[]], [0, "1"], torch.tensor(1.0), g[:1], g.to_sparse()]
    for key in ("guide", "sigma", "t0", "seed", "batch_index", "space", "prints"):
        less = {k: v for k, v in state.items() if k != key}
        for entry in (less, *({**state, key: v} for v in odd if not (key in ("space", "seed") and _fits(key, v)))):
            fails(["Add VE Noise at t0"], sample, m, {**latent, "sdedit": entry})
            fails(["Add VE Noise at t0"], add_noise, m, g, latent={"sdedit": entry})
            fails(["Add VE Noise at t0"], over_t0, "T0Probe", m, {"samples": g, "sdedit": entry})
    for version in (None, 2, "1", 1.5):
        fails(["another version"], sample, m, {**latent, "sdedit": {**state, "version": version}})
    for other in ("x", 1, [state]):
        fails(["does not say how much noise"], sample, m, {**latent, "sdedit": other})


def _fits(key, value):
    return isinstance(value, str) if key == "space" else isinstance(value, int)


def check_each_item_is_known_by_its_samples():
    """Far above the difference of two guides, in half precision, out of order: the exact item or none."""
    for kind in ("eps", "flow"):
        m, g = model(kind), guide(3, 4, 16, 16)
        mask = torch.zeros(1, 16, 16)
        mask[:, :8] = 1.0
        latent = add_noise(m, g, t0=0.9, mask=mask)[0]
        moved = {**latent, "samples": latent["samples"][[2, 0, 0, 1]]}
        out = sample(m, moved, steps=2)[0]["samples"]
        assert torch.equal(out[..., 8:, :], g[[2, 0, 0, 1]][..., 8:, :]), kind
        for form in (torch.float16, torch.bfloat16):
            for back in (form, torch.float32):
                rounded = latent["samples"].to(form).to(back)
                out = sample(m, {**latent, "samples": rounded}, steps=2)[0]["samples"]
                assert torch.equal(out[..., 8:, :], g[..., 8:, :]), (kind, form)
                fails(["holds noise already"], over_t0, "T0Probe", m, {**latent, "samples": rounded})
        near = g.clone()
        near[1, 0, 12, 3] += 1e-3
        other = add_noise(m, near, t0=0.9, mask=mask)[0]["samples"]
        fails(["picture 2 of"], sample, m, {**latent, "samples": other}, steps=2)
        latent["samples"][0, 0, 0, 0] += 0.01  # a node that works in place
        fails(["picture 1 of"], sample, m, latent, steps=2)


def check_what_another_sampler_left_goes_by_its_numbers():
    m, g = model("eps"), guide()
    latent = add_noise(m, g, t0=0.7)[0]
    levels = node("SigmasFromT0", model=m, t0=0.5, steps=4, spacing="karras")[0]
    stopped = sample(m, latent, sigmas=node("SigmasFromT0", model=m, t0=0.7, steps=6, spacing="karras")[0][:3])[0]
    for held in (latent, stopped):
        fails(["holds noise already"], add_noise, m, held["samples"], latent=held)
        fails(["holds noise already"], over_t0, "T0Probe", m, held)
    stepped = {**latent, "samples": latent["samples"] * 0.9}
    assert "another sampler" in sample(m, stepped, sigmas=levels)[2]
    joined = {**stepped, "samples": torch.cat([stepped["samples"][:1], g[:1]]), "batch_index": [0, 0]}
    assert "numbered alike" in sample(m, joined, sigmas=levels)[2]
    fails(["clean guide"], sample, m, {**joined, "noise_mask": torch.zeros(1, 1, 16, 16)}, sigmas=levels)
    partly = {**latent, "samples": torch.cat([latent["samples"][:1], stepped["samples"][1:]])}
    fails(["sigmas start at"], sample, m, partly, sigmas=levels)


def check_a_score_model_answers_alike_under_every_model_sampling():
    """ModelSamplingSD3 and its like change the names of levels, not what the network is asked."""
    import comfy.model_sampling as kinds

    m = node("ScoreModelLoader", model_name="landscape-alpine", weights="ema", dtype="auto")[0]
    g = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(0)) * 1.6 - 0.8
    own = host.score_model_of(m)
    x = host.to_model(m, g)
    x = x + 0.4 * torch.randn(x.shape, generator=torch.Generator().manual_seed(1))
    wanted = own.denoise(x, 0.4)

    class Flow(kinds.ModelSamplingDiscreteFlow, kinds.CONST):
        pass

    class Eps(kinds.ModelSamplingDiscrete, kinds.EPS):
        pass

    class V(kinds.ModelSamplingDiscrete, kinds.V_PREDICTION):
        pass

    empty = host.empty_conditioning()
    for kind in (None, Flow, Eps, V):
        patched = m.clone()
        if kind is not None:
            patched.add_object_patch("model_sampling", kind(m.model.model_config))
        more = {"sigmas": [0.4, 0.0], "positive": empty, "negative": None, "cfg": 1.0, "seed": 0, "total": 1}
        found = host.run_guided(patched, lambda inside, tell: inside.denoise(x, 0.4), guide=g, **more)
        assert float((found - wanted).abs().max()) < 1e-4, kind


def check_odd_pictures_are_explained():
    one = torch.rand(1, 64, 64, 3, generator=torch.Generator().manual_seed(0))
    score = node("ScoreModelLoader", model_name="landscape-alpine", weights="ema", dtype="auto")[0]
    undo = node("FitImage", model=score, image=one, method="crop")[2]
    drawing = '{"version": 1, "width": 64, "height": 64, "strokes": []}'
    ways = [
        lambda image: node("SimulateStrokes", image=image, colours=3, kernel=0),
        lambda image: node("SimulateStrokes", image=one, original=image, colours=3, kernel=0),
        lambda image: node("EditReport", guide=image, picture=one),
        lambda image: node("EditReport", guide=one, picture=image),
        lambda image: node("FitImage", model=score, image=image, method="crop"),
        lambda image: node("UnfitImage", image=image, undo=undo),
        lambda image: node("UnfitImage", image=one, undo=undo, original=image),
        lambda image: node("ScoreModelFromImages", images=image, palette_freedom=0.0, position_aware=False, size=0),
        lambda image: node("StrokeCanvas", width=64, height=64, strokes=drawing, background=image),
        lambda image: over_t0("T0Sweep", model("eps"), {"samples": guide()}, reference=image),
    ]
    odd = {
        "at least one picture": one[:0],
        "(1, 0, 64, 3)": one[:, :0],
        "(64, 64, 3)": one[0],
        "(1, 1, 64, 64, 3)": one[None],
        "got str": "picture",
        "got Tensor": one.to_sparse(),
        "channels, got 2": one[..., :2],
        "channels, got 5": torch.rand(1, 64, 64, 5),
        "channels, got 64": one.movedim(-1, 1),
        "NaN": one * float("nan"),
        "uint8": (one * 255).to(torch.uint8),
        "bool": one > 0.5,
        "expected 0 to 1": one * 255,
    }
    for words, image in odd.items():
        for way in ways:
            fails([words], way, image)
    for image in (one.half(), one.bfloat16(), one.double()):
        for way in ways:
            way(image)
    alpha, grey = torch.cat([one, one[..., :1]], -1), one[..., :1]
    for way in (*ways[:4], ways[7], ways[8]):
        way(alpha), way(grey)
