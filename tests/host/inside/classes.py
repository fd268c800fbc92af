"""Every model class of this ComfyUI: what its network is told of a mask and what noise it is shown, ours and stock.

Run in ComfyUI's own Python and folder; writes one line of JSON.  The classes are found, not listed: each entry of
``supported_models`` makes its model around a network that answers 0 and writes down what it is given, and is sampled
under each mask.  ``ASKED`` holds the few attributes of the real networks that a class reads; none decides about masks.
"""

import importlib
import io
import json
import logging
import math
import sys
from contextlib import redirect_stderr, redirect_stdout

import checks  # first: it sets up the host
import comfy.ldm.lightricks.symmetric_patchifier as patchifiers
import comfy.model_base
import comfy.nested_tensor
import comfy.supported_models
import comfyui_version
import torch
from checks import comfy, frames_module, host, node

parts_module = importlib.import_module("pack.nodes.parts")
running = importlib.import_module("pack.nodes.host.running")
SEVERAL = {  # entries that sample several latents in one: the shapes of an item's
    "LTXAV": ((128, 3, 8, 8), (8, 12, 16)),
    "MiniMaxH3": ((24, 3, 8, 8), (32, 2, 15)),
}
LEVEL_TOLERANCE = 4.0  # in standard errors of a spread that is measured over a token
CLEAN = 0.05  # beside a picture of spread 5: a class that tells by a mask adds a thousandth of noise to what it keeps
SETTINGS = {
    "Flux2": {"hidden_size": 64},
    "StableAudio3": {"timestep_features_type": "learned"},
    "CosmosI2V": {"in_channels": 17},
    "CosmosI2VPredict2": {"in_channels": 17},
}
STATE = {
    "cc_projection.weight": torch.zeros(8, 12),
    "cc_projection.bias": torch.zeros(8),
    **{
        f"conditioner.conditioners.{name}.embedder.embedding.{key}": value
        for name in ("seconds_start", "seconds_total")
        for key, value in (
            ("0.weights", torch.zeros(128)),
            ("1.weight", torch.zeros(768, 257)),
            ("1.bias", torch.zeros(768)),
        )
    },
}
PROMPT = {
    "pooled_output": torch.zeros(1, 1280),
    "conditioning_scale": torch.ones(1),
    "embeds": torch.zeros(1, 8, 64),
    "conditioning_lyrics": torch.zeros(1, 8, 64),
}


class Holder(torch.nn.Module):
    def __init__(self, **what):
        super().__init__()
        for name, value in what.items():
            setattr(self, name, value)


def asked(name, channels):
    """Attributes of the real network that a class reads to make its conditioning."""
    extra = {"WAN21_SCAIL2": 4, "WAN21_I2V": 20, "HunyuanVideo15": channels + 1}.get(name, 0)
    what = {"patch_embedding": torch.nn.Conv3d(channels + extra, 8, 1), "patch_size": (1, 2, 2)}
    what["patchifier"] = patchifiers.SymmetricPatchifier(1)
    what["img_in"] = Holder(proj=torch.nn.Conv3d(channels + extra, 8, 1))
    if hasattr(patchifiers, "AudioPatchifier"):
        what["a_patchifier"] = patchifiers.AudioPatchifier(1)
    return what


class Network(torch.nn.Module):
    """Writes down what it is given; what it answers is not used."""

    dtype = torch.float32

    def __init__(self, what):
        super().__init__()
        self.seen = []
        for name, value in what.items():
            setattr(self, name, value)

    def preprocess_text_embeds(self, text, **kwargs):
        return text

    def forward(self, x, timestep, *args, **kwargs):
        self.seen[-1] |= {"timestep": timestep, "mask": kwargs.get("denoise_mask")}
        return [torch.zeros_like(part) for part in x] if isinstance(x, list) else torch.zeros_like(self.seen[-1]["x"])


def build(entry):
    """MODEL of an entry of supported_models; raises what its code raises."""
    settings = {"in_channels": 4, "out_channels": 4, **entry.unet_config, **SETTINGS.get(entry.__name__, {})}
    config = entry(settings)
    config.unet_config["disable_unet_model_creation"] = True
    config.set_inference_dtype(torch.float32, None)
    comfy.model_base.BaseModel.diffusion_model = Network({})  # one class wants it before it is made
    try:
        inner = config.get_model(dict(STATE), "")
    finally:
        del comfy.model_base.BaseModel.diffusion_model
    network = Network(asked(entry.__name__, inner.latent_format.latent_channels))
    inner.diffusion_model = network
    original = inner._apply_model

    def watched(x, t, *args, **kwargs):
        network.seen.append({"x": x.clone(), "level": t.clone(), "concat": kwargs.get("c_concat")})
        original(x, t, *args, **kwargs)
        return inner.process_latent_in(in_a_row(clean_latent(inner)))  # the picture is known: what is noise can be told

    inner.entry, inner._apply_model = entry.__name__, watched
    device = comfy.model_management.get_torch_device()
    return comfy.model_patcher.ModelPatcher(inner, load_device=device, offload_device=device)


def clean_latent(inner):
    form, generator = inner.latent_format, torch.Generator().manual_seed(0)
    shape = {1: (64,), 2: (16, 16), 3: (3, 8, 8)}[form.latent_dimensions]
    shapes = SEVERAL.get(inner.entry, [(form.latent_channels, *shape)])
    # larger than noise of any level, so that it is not taken for noise where it is shown bare
    parts = [5.0 * torch.randn(1, *shape, generator=generator) for shape in shapes]
    return parts[0] if len(parts) == 1 else comfy.nested_tensor.NestedTensor(parts)


def in_a_row(samples):
    return parts_module.packed(parts_module.tensors_of(samples) or [samples])


def apart(x, samples):
    """Parts of a tensor as samplers work on it, as those of the samples."""
    return parts_module.unpacked(x, [part.shape[1:] for part in parts_module.tensors_of(samples) or [samples]])


def masks_for(samples):
    """name -> mask beside the samples with one channel each; 1 = change.  A second part is kept, half or all of it."""
    first, *others = parts_module.tensors_of(samples) or [samples]
    found = masks_for_first(first)
    for name, mask in found.items() if others else ():
        more = [torch.zeros_like(part[:, :1]) for part in others]
        if name in ("half", "soft"):
            for part in more:
                part[..., part.shape[-1] // 2 :, :] = 1.0
        found[name] = comfy.nested_tensor.NestedTensor([mask, *more])
    return found


def masks_for_first(latent):
    ones = torch.ones(1, 1, *latent.shape[2:])
    half = ones.clone()
    half[..., : latent.shape[-1] // 2] = 0.0
    soft = half.clone()
    soft[soft == 0.0] = 0.5
    found = {"half": half, "soft": soft}
    if latent.ndim == 5:
        frames, soft_frames = ones.clone(), ones.clone()
        frames[:, :, 0] = soft_frames[:, :, 0] = 0.0
        soft_frames[:, :, 1] = 0.5
        found |= {"frame": frames, "soft frames": soft_frames}
    return found


def prompt():
    return [[torch.zeros(1, 8, 768), dict(PROMPT)]]


def run_ours(m, latent, mask):
    noised = node("AddVENoise", model=m, latent={"samples": latent, "noise_mask": mask}, t0=0.5, seed=3)[0]
    out = node("ReverseSDESampler", model=m, latent=noised, steps=3, solver="auto", seed=4, positive=prompt())
    three = (parts_module.tensors_of(v) or [v] for v in (latent, mask, out[0]["samples"]))
    for part, one, result in zip(*three, strict=True):
        assert torch.equal(torch.where(one > 0.0, part, result), part), "the kept region has changed"


def run_stock(m, latent, mask):
    level = frames_module.frame_of(m.model.model_sampling).from_ve(host.model_schedule(m).sigma(0.5))
    guider = comfy.samplers.CFGGuider(m)
    guider.inner_set_conds({"positive": prompt()})
    guider.set_cfg(1.0)
    noise = [torch.randn(p.shape, generator=torch.Generator().manual_seed(1)) for p in apart(in_a_row(latent), latent)]
    noise = noise[0] if len(noise) == 1 else comfy.nested_tensor.NestedTensor(noise)
    sigmas = torch.tensor([level, 0.5 * level, 0.0])
    guider.sample(noise, latent, checks.euler(), sigmas, denoise_mask=mask, disable_pbar=True, seed=0)


def in_tokens(told, latent):
    """A told timestep as one value a pixel: (1, 1, ...) in the latent's shape."""
    told, dims = told.float(), latent.shape[2:]
    if told.numel() == 1:
        return told.reshape(1, 1, *[1] * len(dims)).expand(1, 1, *dims)
    if told.numel() == math.prod(dims):
        return told.reshape(1, 1, *dims)
    return told.reshape(1, 1, -1, *[1] * (len(dims) - 1)).expand(1, 1, *dims)


def misfit(m, one, samples, shares):
    """By how much the level held in a token misses the level told, in units of the step's; 0 or less is a fit.

    The level held: how much noise there is over the picture at that level, from the spread over a token's channels.
    ``shares``: of the level, that pixels are told by another thing than the timestep; what is clean is then the class's
    own affair (one adds a thousandth of noise).
    """
    inner, clean = m.model, m.model.process_latent_in(in_a_row(samples))
    sampling, level = inner.model_sampling, one["level"]
    uniform = inner.process_timestep(sampling.timestep(level).float(), x=one["x"])
    uniform = float((uniform[0] if isinstance(uniform, tuple) else uniform).flatten()[0])
    bare = sampling.calculate_input(torch.zeros_like(level), clean)
    if shares is not None:
        noise = (
            (one["x"] - clean * (1.0 - level)) / level
            if frames_module.frame_of(sampling).flow
            else torch.zeros_like(clean)
        )
        scene = {"noise": noise, "latent_image": clean, "denoise_mask": (shares > 0.0).float()}
        bare = sampling.calculate_input(level, inner.scale_latent_inpaint(x=one["x"], sigma=level, **scene))
    shown = sampling.calculate_input(level, one["x"])
    told = one["timestep"] if isinstance(one["timestep"], tuple) else [one["timestep"]] * 8
    pieces = [apart(x, samples) for x in (one["x"], shown, bare, clean)]
    given = [None] * 8 if shares is None else apart(shares, samples)
    return max(misfit_of(m, level, uniform, *each) for each in zip(told, given, *pieces, strict=False))


def misfit_of(m, level, uniform, timestep, shares, x, shown, bare, clean):
    """Of one part of a latent."""
    sampling = m.model.model_sampling
    told = in_tokens(timestep, x) / uniform if uniform > 0.0 else torch.ones(1, 1, *x.shape[2:])
    if shares is not None:
        told = told * shares[:, :1]
    as_flow = abs(float(sampling.calculate_input(torch.ones(1), torch.ones(1))) - 0.5) < 1e-6  # CosmosPredict2
    frame = frames_module.frame_of(sampling)
    worst = 0.0
    for share in told.unique().tolist():
        here = (told == share).expand_as(shown)
        if share == 0.0:
            worst = max(worst, float((shown - bare)[here].abs().max()) > (1e-4 if shares is None else CLEAN))
            continue
        if frame.flow or as_flow:
            s = share * (float(level) if frame.flow else float(level / (1.0 + level)))
            noise, std = shown - (1.0 - s) * clean, s * frame.noise_scale
        elif share == 1.0:
            noise, std = x - clean, float(level)
        else:
            return math.inf
        for place in places(here):
            values = noise[place]
            spread = float(values.square().mean().sqrt()) / std
            error = abs(spread - 1.0) - LEVEL_TOLERANCE / math.sqrt(2.0 * values.numel())
            worst = max(worst, error)
    return worst


def places(here):
    """Of a set of pixels its parts in every frame and half, in which the level could differ."""
    half = torch.zeros_like(here)
    half[..., : here.shape[-1] // 2] = True
    for side in (half, ~half):
        for k in range(here.shape[2]) if here.ndim == 5 else (slice(None),):
            frame = torch.zeros_like(here)
            frame[:, :, k] = True
            part = here & side & frame
            if bool(part.any()):
                yield part


def row(entry):
    """What the table says of an entry."""
    found = {"entry": entry.__name__, "class": "", "problem": "", "how": "", "masks": {}}
    try:
        m = build(entry)
    except Exception as problem:
        return found | {"problem": f"not built: {type(problem).__name__}: {problem}"}
    inner, answers = m.model, []
    found["class"] = type(inner).__name__
    tell_prompts = running.tell_prompts

    def told(*args, **kwargs):
        answers.append(tell_prompts(*args, **kwargs))
        return answers[-1]

    running.tell_prompts = told
    try:
        frames_module.frame_of(inner.model_sampling)
        latent = clean_latent(inner)
        for name, mask in masks_for(latent).items():
            seen = {}
            for who, run in (("ours", run_ours), ("stock", run_stock)):
                inner.diffusion_model.seen.clear()
                run(m, latent, mask)
                seen[who] = list(inner.diffusion_model.seen)
            how, clean = answers[-1].how, answers[-1].clean
            found["how"] = how or found["how"]
            by_mask, whole = {"ours": None, "stock": None}, mask_in_a_row(mask, latent)
            if how == "mask":
                by_mask["ours"] = answers[-1].mask
                by_mask["stock"] = (whole > 0.0).float() if seen["stock"][0]["mask"] is None else whole
            fits = {who: all(misfit(m, one, latent, by_mask[who]) <= 0.0 for one in seen[who]) for who in seen}
            same = as_stock(seen, whole)
            found["masks"][name] = fits | {"as stock": same, "clean": clean is not None}
    except Exception as problem:
        found["problem"] = f"{type(problem).__name__}: {problem}"
    finally:
        running.tell_prompts = tell_prompts
    return found


def mask_in_a_row(mask, samples):
    masks, parts = (parts_module.tensors_of(value) or [value] for value in (mask, samples))
    return parts_module.packed([one.expand_as(part) for one, part in zip(masks, parts, strict=True)])


def as_stock(seen, mask):
    """Whether the kept pixels of the first evaluation are shown, and told of, exactly as by stock sampling."""
    ours, stock = seen["ours"][0], seen["stock"][0]
    kept = mask == 0.0
    told = [t if isinstance(t, tuple) else (t,) for t in (ours["timestep"], stock["timestep"])]
    same = all(a.shape == b.shape and torch.allclose(a, b) for a, b in zip(*told, strict=True))
    for name in ("concat", "mask"):
        one, other = ours[name], stock[name]
        same &= (one is None) == (other is None) and (one is None or torch.equal(one, other))
    return bool(same and torch.allclose(ours["x"][kept], stock["x"][kept], rtol=1e-4, atol=CLEAN))


def main():
    logging.disable(logging.CRITICAL)
    rows = []
    with torch.inference_mode(), redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        for entry in comfy.supported_models.models:
            rows.append(row(entry))
    classes = [v for v in vars(comfy.model_base).values() if isinstance(v, type)]
    names = sorted(c.__name__ for c in classes if issubclass(c, comfy.model_base.BaseModel))
    reached = {found["class"] for found in rows}
    found = {"version": comfyui_version.__version__, "rows": rows, "unreached": [n for n in names if n not in reached]}
    sys.stdout.write("RESULTS " + json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
