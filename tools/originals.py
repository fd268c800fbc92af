"""Networks of the original codes with random weights, and what those codes make of noise: for checkpoint_table.py.

The codes are not part of this repository.  A folder with clones of them under their own names is needed:
score_sde_pytorch, edm, guided-diffusion, improved-diffusion, consistency_models, denoising-diffusion-pytorch,
k-diffusion, and ``pip install diffusers ml_collections``.
"""

from __future__ import annotations

import importlib
import importlib.util
import itertools
import sys
import types
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

SIDE = 16


@dataclass
class Case:
    """One network: a file as its code writes it, and the denoised pictures of its code for ``x`` at ``sigma``."""

    family: str
    words: str
    content: Any
    x: Tensor
    sigma: Tensor
    wanted: Tensor
    y: Tensor | None = None
    name: str = "net.pt"
    options: dict[str, Any] = field(default_factory=dict)
    config: dict | None = None
    scheduler: dict | None = None


def filled(net: nn.Module, seed: int) -> nn.Module:
    """The network with random weights of a size that keeps activations near one."""
    g = torch.Generator().manual_seed(seed)
    for name, p in net.named_parameters():
        z = torch.randn(p.shape, generator=g)
        if name.endswith(("all_modules.0.W", "time_proj.weight")):
            p.data = 16.0 * z  # Fourier features
        elif p.dim() == 1 or name.endswith(".g"):
            p.data = 0.1 * z + float(name.endswith((".g", "weight")))  # gains of norms are near one
        elif "mem_kv" in name:
            p.data = z
        else:
            rows = p.shape[0] if name.endswith(".W") else p[0].numel()  # score-SDE's NIN is the other way round
            p.data = z * rows**-0.5
    return net.eval().requires_grad_(False)


def noisy(seed: int, sigma: Tensor, low: float = -1.0) -> Tensor:
    """Pictures between ``low`` and 1 with noise, (N, 3, 16, 16)."""
    g = torch.Generator().manual_seed(1000 + seed)
    x0 = torch.rand(len(sigma), 3, SIDE, SIDE, generator=g) * (1.0 - low) + low
    return x0 + sigma.float()[:, None, None, None] * torch.randn(x0.shape, generator=g)


def wide(values: Tensor) -> Tensor:
    return values[:, None, None, None]


def discrete(net: Callable, betas: Tensor, levels: list[int], seed: int, *, kind: str = "eps", gain: float = 1.0):
    """(x, sigma, D) of a network of discrete levels, the textbook way: from eps, v or x0 to the picture."""
    bar = torch.cumprod(1.0 - betas.double(), 0)[torch.tensor(levels)]
    sigma = ((1.0 - bar) / bar).sqrt()
    x = noisy(seed, sigma)
    scaled = x.double() * wide(bar.sqrt())
    out = net(scaled.float(), torch.tensor(levels).float() * gain)[:, :3].double()
    if kind == "v":
        out = wide(bar.sqrt()) * scaled - wide((1 - bar).sqrt()) * out
    elif kind == "eps":
        out = (scaled - wide((1 - bar).sqrt()) * out) / wide(bar.sqrt())
    return x, sigma, out.float()


class Absent(types.ModuleType):
    """Stands for a package that a code imports for its training, not for its network."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return type(name, (), {"__init__": lambda self, *a, **k: None, "__call__": lambda self, f=None, *a, **k: f})


def stand_in(names: Iterable[str]) -> None:
    """:class:`Absent` for those packages that are not installed."""
    for name in names:
        top = sys.modules.get(name.partition(".")[0])
        if isinstance(top, Absent) or (top is None and importlib.util.find_spec(name.partition(".")[0]) is None):
            sys.modules.setdefault(name, Absent(name))


def linear(levels: int = 1000) -> Tensor:
    return torch.linspace(0.1 / levels, 20.0 / levels, levels, dtype=torch.float64)


def score_sde(root: Path) -> Iterator[Case]:
    """score_sde_pytorch: full training files, with their list of averages."""
    import ml_collections

    path, op = root / "score_sde_pytorch", types.ModuleType("op")
    sys.path.insert(0, str(path))
    text = (path / "op" / "upfirdn2d.py").read_text(encoding="utf-8")
    space: dict[str, Any] = {"torch": torch, "F": F}
    exec(text[text.index("def upfirdn2d_native") :], space)  # noqa: S102 - its twin needs a GPU's compiler
    native = space["upfirdn2d_native"]
    op.upfirdn2d = lambda x, k, up=1, down=1, pad=(0, 0): native(x, k, up, up, down, down, *pad, *pad)
    sys.modules["op"] = op
    ddpm, ncsnpp = (importlib.import_module(f"models.{name}") for name in ("ddpm", "ncsnpp"))
    plain = F.interpolate

    def interpolate(x, size=None, *rest, **options):  # the code of 2021 gives the mode as third argument
        named = {"mode": rest[0]} if rest and isinstance(rest[0], str) else {}
        return plain(x, size, *(() if named else rest), **named, **options)

    def config(**options):
        c = ml_collections.ConfigDict({"data": {}, "training": {}, "model": {}})
        c.data.image_size, c.data.num_channels, c.data.centered = SIDE, 3, options.pop("centered", False)
        c.training.continuous = options.pop("continuous", True)
        c.model = {
            "sigma_min": 0.01, "sigma_max": 50.0, "num_scales": 1000, "beta_min": 0.1, "beta_max": 20.0, "dropout": 0.0,
            "embedding_type": "fourier", "normalization": "GroupNorm", "nonlinearity": "swish", "nf": 16,
            "ch_mult": (1, 2), "num_res_blocks": 2, "attn_resolutions": (8,), "resamp_with_conv": True,
            "conditional": True, "fir": True, "fir_kernel": [1, 3, 3, 1], "skip_rescale": True,
            "resblock_type": "biggan", "progressive": "none", "progressive_input": "none", "init_scale": 0.0,
            "progressive_combine": "sum", "fourier_scale": 16, "conv_size": 3, "scale_by_sigma": True, **options,
        }  # fmt: skip
        return c

    def written(net):
        trained = [p for name, p in net.named_parameters() if not name.endswith("all_modules.0.W")]
        state = {f"module.{k}": v for k, v in net.state_dict().items()}
        return {"model": state, "ema": {"decay": 0.999, "num_updates": 7, "shadow_params": trained}, "step": 7}

    pyramid = {"progressive": "output_skip", "progressive_input": "input_skip", "ch_mult": (1, 2, 2)}
    residual, bare = {"progressive_input": "residual"}, {"scale_by_sigma": False}
    exploding = [
        ("two pyramids", pyramid), ("two pyramids joined by concatenation", {**pyramid, "progressive_combine": "cat"}),
        ("residual pyramid", residual), ("no pyramid, FIR", {}), ("no pyramid, no filter", {"fir": False}),
        ("DDPM blocks", {"resblock_type": "ddpm", "fir": False, **residual}),
        ("4 levels", {**pyramid, "ch_mult": (1, 1, 2, 2)}),
        ("skips not rescaled", {**pyramid, "skip_rescale": False}), ("4 blocks", {"num_res_blocks": 4, **residual}),
        ("sigma_max 348", {**pyramid, "sigma_max": 348.0}),
    ]  # fmt: skip
    F.interpolate = interpolate
    try:
        for seed, (words, options) in enumerate(exploding):
            net = filled(ncsnpp.NCSNpp(config(**options)), seed)
            sigma = torch.tensor([0.3, 20.0], dtype=torch.float64)
            x = noisy(seed, sigma, 0.0)
            said = {} if options.get("skip_rescale", True) else {"skip_rescale": False}
            said |= {"fir": False} if words == "no pyramid, no filter" else {}  # elsewhere the file tells it
            wanted = x + wide(sigma.float() ** 2) * net(x, sigma.float())
            yield Case("score-SDE NCSN++, VE", words, written(net), x, sigma, wanted, options=said, name="net.pth")
        for seed, (words, options, said) in enumerate(
            [
                ("DDPM++", {"fir": False}, {}), ("FIR", {}, {"fir": True}),
                ("sub-VP", {"fir": False}, {"sde": "subvp"}),
                ("VP, 4 blocks", {"fir": False, "num_res_blocks": 4}, {}),
            ],
            20,
        ):  # fmt: skip
            net = filled(ncsnpp.NCSNpp(config(embedding_type="positional", centered=True, **bare, **options)), seed)
            t = torch.tensor([0.2, 0.7], dtype=torch.float64)
            alpha = torch.exp(-0.25 * t**2 * (20 - 0.1) - 0.5 * t * 0.1)
            spread = 1 - alpha**2 if said.get("sde") == "subvp" else (1 - alpha**2).sqrt()
            sigma = spread / alpha
            x = noisy(seed, sigma)
            wanted = x - wide(sigma.float()) * net((x.double() * wide(alpha)).float(), (t * 999).float())
            yield Case("score-SDE DDPM++", words, written(net), x, sigma, wanted, options=said, name="net.pth")
        for seed, mult in ((30, (1, 1)), (31, (1, 2))):
            net = filled(ddpm.DDPM(config(nf=32, ch_mult=mult, centered=True, **bare)), seed)
            call = lambda x, t, net=net: net(x, t.long())  # noqa: E731
            x, sigma, wanted = discrete(call, linear(), [40, 900], seed)
            yield Case("score-SDE DDPM", f"channels {mult}", written(net), x, sigma, wanted, name="net.pth")
    finally:
        F.interpolate = plain


def edm(root: Path) -> Iterator[Case]:
    """EDM's networks with their preconditioners, as state dicts."""
    sys.path.insert(0, str(root / "edm"))
    networks = importlib.import_module("training.networks")
    sigma = torch.tensor([0.3, 12.0], dtype=torch.float64)
    song = {"model_type": "SongUNet", "model_channels": 16, "channel_mult": [1, 2], "num_blocks": 2, "dropout": 0.0,
            "attn_resolutions": [8]}  # fmt: skip
    plus = {"embedding_type": "positional", "encoder_type": "standard", "resample_filter": [1, 1]}
    fourier = {"embedding_type": "fourier", "channel_mult_noise": 2, "encoder_type": "residual",
               "resample_filter": [1, 3, 3, 1]}  # fmt: skip
    adm = {"model_type": "DhariwalUNet", "model_channels": 16, "channel_mult": [1, 4], "num_blocks": 1,
           "attn_resolutions": [8], "dropout": 0.0}  # fmt: skip
    rows = [
        ("DDPM++", "EDMPrecond", {**song, **plus}), ("NCSN++", "EDMPrecond", {**song, **fourier}),
        ("DDPM++, augmented", "EDMPrecond", {**song, **plus, "augment_dim": 9}),
        ("DDPM++, 5 classes", "EDMPrecond", {**song, **plus, "label_dim": 5}),
        ("ADM, 5 classes", "EDMPrecond", {**adm, "label_dim": 5}), ("ADM", "EDMPrecond", adm),
        ("VP baseline", "VPPrecond", {**song, **plus}), ("VE baseline", "VEPrecond", {**song, **fourier}),
        ("NCSN++ of 3 levels", "EDMPrecond", {**song, **fourier, "channel_mult": [1, 2, 2]}),
    ]  # fmt: skip
    for seed, (words, kind, options) in enumerate(rows, 100):
        net = filled(getattr(networks, kind)(SIDE, 3, **options), seed)
        y = torch.tensor([4, 0]) if "label_dim" in options else None
        x = noisy(seed, sigma)
        wanted = net(x, sigma.float(), None if y is None else torch.eye(5)[y])
        said = {"VPPrecond": {"sde": "vp"}, "VEPrecond": {"sde": "ve"}}.get(kind, {})
        yield Case(f"EDM {kind}", words, dict(net.state_dict()), x, sigma, wanted, y, options=said)


def guided(root: Path) -> Iterator[Case]:
    """guided-diffusion: flat state dicts."""
    sys.path.insert(0, str(root / "guided-diffusion"))
    unet = importlib.import_module("guided_diffusion.unet")
    gaussian = importlib.import_module("guided_diffusion.gaussian_diffusion")
    usual = {"image_size": SIDE, "in_channels": 3, "model_channels": 32, "num_res_blocks": 1, "channel_mult": (1, 2),
             "attention_resolutions": (2,), "out_channels": 6}  # fmt: skip
    rows = [
        ("32 channels a head", {"num_head_channels": 32, "resblock_updown": True, "use_scale_shift_norm": True}, {}),
        ("16 channels a head", {"num_head_channels": 16, "resblock_updown": True, "use_scale_shift_norm": True}, {}),
        ("new order of q, k, v",
         {"num_head_channels": 16, "use_new_attention_order": True, "resblock_updown": True}, {}),
        ("4 heads, 5 classes", {"num_heads": 4, "num_classes": 5, "resblock_updown": True}, {}),
        ("no scale-shift, fixed variance", {"num_heads": 2, "out_channels": 3, "resblock_updown": True}, {}),
        ("down by convolutions", {"num_heads": 2, "use_scale_shift_norm": True}, {}),
        ("down by means", {"num_heads": 2, "conv_resample": False, "use_scale_shift_norm": True}, {}),
        ("cosine", {"num_heads": 4, "resblock_updown": True}, {"noise_schedule": "cosine"}),
        ("400 levels", {"num_heads": 4, "resblock_updown": True}, {"levels": 400, "rescale_timesteps": False}),
    ]  # fmt: skip
    yield from _openai("guided-diffusion", unet, gaussian, usual, rows, 200)


def improved(root: Path) -> Iterator[Case]:
    """improved-diffusion: flat state dicts."""
    sys.path.insert(0, str(root / "improved-diffusion"))
    unet = importlib.import_module("improved_diffusion.unet")
    gaussian = importlib.import_module("improved_diffusion.gaussian_diffusion")
    usual = {"in_channels": 3, "model_channels": 32, "num_res_blocks": 1, "channel_mult": (1, 2), "out_channels": 6,
             "attention_resolutions": (2,), "num_heads": 4}  # fmt: skip
    scale = {"use_scale_shift_norm": True}
    rows = [
        ("4 heads", scale, {}), ("cosine, 4000 levels", scale, {"noise_schedule": "cosine", "levels": 4000}),
        ("timesteps not rescaled", scale, {"levels": 4000, "rescale_timesteps": False}),
        ("2 heads in the decoder, 5 classes", {"num_heads_upsample": 2, "num_classes": 5, **scale}, {}),
        ("1 head, no scale-shift, fixed variance", {"num_heads": 1, "out_channels": 3}, {}),
        ("3 blocks, 3 levels", {"num_res_blocks": 3, "channel_mult": (1, 2, 2), **scale}, {}),
    ]  # fmt: skip
    yield from _openai("improved-diffusion", unet, gaussian, usual, rows, 300)


def _openai(family, unet, gaussian, usual, rows, first) -> Iterator[Case]:
    for seed, (words, options, said) in enumerate(rows, first):
        net = filled(unet.UNetModel(**{**usual, **options}), seed)
        levels = said.get("levels", 1000)
        betas = torch.tensor(gaussian.get_named_beta_schedule(said.get("noise_schedule", "linear"), levels))
        gain = 1000.0 / levels if said.get("rescale_timesteps", True) else 1.0
        y = torch.tensor([4, 0]) if "num_classes" in options else None
        call = lambda x, t, net=net, y=y: net(x, t, y)  # noqa: E731
        x, sigma, wanted = discrete(call, betas, [levels // 25, levels * 9 // 10], seed, gain=gain)
        heads = ("num_heads", "num_head_channels", "num_heads_upsample", "use_new_attention_order")
        said = said | {k: v for k, v in {**usual, **options}.items() if k in heads}
        yield Case(family, words, dict(net.state_dict()), x, sigma, wanted, y, options=said)


def consistency(root: Path) -> Iterator[Case]:
    """consistency_models: flat state dicts; FlashAttention, which needs a GPU, is stood in for by its definition."""
    sys.path.insert(0, str(root / "consistency_models"))

    class FlashAttention(nn.Module):
        def __init__(self, **options):
            super().__init__()

        def forward(self, qkv, **options):
            q, k, v = (t.transpose(1, 2) for t in qkv.unbind(2))
            weight = (q @ k.transpose(2, 3) * q.shape[-1] ** -0.5).softmax(-1)
            return (weight @ v).transpose(1, 2), None

    package, module = types.ModuleType("flash_attn"), types.ModuleType("flash_attn.flash_attention")
    module.FlashAttention = FlashAttention
    sys.modules |= {"flash_attn": package, "flash_attn.flash_attention": module}
    unet = importlib.import_module("cm.unet")
    sigma = torch.tensor([0.3, 12.0], dtype=torch.float64)
    usual = {"image_size": SIDE, "in_channels": 3, "model_channels": 32, "num_res_blocks": 1, "channel_mult": (1, 2),
             "attention_resolutions": (2,), "out_channels": 3, "num_head_channels": 16,
             "resblock_updown": True}  # fmt: skip
    try:
        for seed, (words, options) in enumerate(
            [("scale-shift", {"use_scale_shift_norm": True}), ("5 classes", {"num_classes": 5}), ("plain", {})], 400
        ):
            net = filled(unet.UNetModel(**{**usual, **options}), seed)
            y = torch.tensor([4, 0]) if "num_classes" in options else None
            x = noisy(seed, sigma)
            s = wide(sigma)
            out = net((x.double() / (s**2 + 0.25).sqrt()).float(), (250 * sigma.log()).float(), y)
            for kind, above in (("edm", s), ("consistency", s - 0.002)):
                wanted = out.double() * above * 0.5 / (s**2 + 0.25).sqrt() + x.double() * 0.25 / (above**2 + 0.25)
                said = {"sde": kind, "num_head_channels": 16}
                state = dict(net.state_dict())
                yield Case("consistency_models", f"{words}, {kind}", state, x, sigma, wanted.float(), y, options=said)
    finally:
        for name in ("flash_attn", "flash_attn.flash_attention"):
            sys.modules.pop(name)


def from_diffusers(root: Path) -> Iterator[Case]:
    """diffusers' UNet2DModel with its schedulers."""
    import diffusers

    usual = {"sample_size": SIDE, "layers_per_block": 1, "block_out_channels": (16, 32), "norm_num_groups": 8,
             "attention_head_dim": 8, "down_block_types": ("DownBlock2D", "AttnDownBlock2D"),
             "up_block_types": ("AttnUpBlock2D", "UpBlock2D")}  # fmt: skip
    resnet = {"down_block_types": ("ResnetDownsampleBlock2D", "AttnDownBlock2D"), "downsample_type": "resnet",
              "up_block_types": ("AttnUpBlock2D", "ResnetUpsampleBlock2D"), "upsample_type": "resnet"}  # fmt: skip
    shift = {"resnet_time_scale_shift": "scale_shift"}
    rows = [
        ("attention", {}, {}), ("residual resampling, scale-shift", {**resnet, **shift}, {}),
        ("5 classes", {"num_class_embeds": 5}, {}), ("2 layers, 3 levels", {
            "layers_per_block": 2, "block_out_channels": (16, 16, 32), "down_block_types": ("DownBlock2D",) * 3,
            "up_block_types": ("UpBlock2D",) * 3}, {}),
        ("Google's DDPM settings", {"freq_shift": 1, "flip_sin_to_cos": False, "downsample_padding": 0}, {}),
        ("attention's norm of 4 groups", {**resnet, "attn_norm_num_groups": 4}, {}),
        ("no attention in the middle", {"add_attention": False}, {}), ("one head", {"attention_head_dim": None}, {}),
        ("middle scaled", {"mid_block_scale_factor": 1.5}, {}), ("pixels centred", {"center_input_sample": True}, {}),
        ("v, cosine", {}, {"prediction_type": "v_prediction", "beta_schedule": "squaredcos_cap_v2"}),
        ("x0, scaled linear", {}, {"prediction_type": "sample", "beta_schedule": "scaled_linear"}),
        ("sigmoid betas", {}, {"beta_schedule": "sigmoid"}), ("250 levels", {}, {"num_train_timesteps": 250}),
        ("v, zero SNR", {}, {"prediction_type": "v_prediction", "rescale_betas_zero_snr": True}),
        ("betas of its own", {},
         {"trained_betas": [0.001 + 0.0002 * i for i in range(100)], "num_train_timesteps": 100}),
    ]  # fmt: skip
    for seed, (words, options, noise) in enumerate(rows, 500):
        net = filled(diffusers.UNet2DModel(**{**usual, **options}), seed)
        scheduler = diffusers.DDPMScheduler(**noise)
        y = torch.tensor([4, 0]) if "num_class_embeds" in options else None
        call = lambda x, t, net=net, y=y: net(x, t, class_labels=y).sample  # noqa: E731
        kind = {"v_prediction": "v", "sample": "x0"}.get(noise.get("prediction_type", ""), "eps")
        levels = len(scheduler.betas)
        x, sigma, wanted = discrete(call, scheduler.betas, [levels // 25, levels * 8 // 10], seed, kind=kind)
        said = {"_class_name": "DDPMScheduler", **scheduler.config}
        yield Case("diffusers", words, dict(net.state_dict()), x, sigma, wanted, y,
                   name="diffusion_pytorch_model.bin", config=dict(net.config), scheduler=said)  # fmt: skip
    for seed, kind in enumerate(("epsilon", "v_prediction"), 540):
        net = filled(diffusers.UNet2DModel(**usual), seed)
        scheduler = diffusers.EDMEulerScheduler(prediction_type=kind)
        sigma = torch.tensor([0.3, 12.0], dtype=torch.float64)
        x = noisy(seed, sigma)
        parts = []
        for one, level in zip(x.split(1), sigma.float(), strict=True):
            out = net(scheduler.precondition_inputs(one, level), scheduler.precondition_noise(level)).sample
            parts.append(scheduler.precondition_outputs(one, out, level))
        said = {"_class_name": "EDMEulerScheduler", **scheduler.config}
        yield Case("diffusers", f"EDMEulerScheduler, {kind}", dict(net.state_dict()), x, sigma, torch.cat(parts),
                   name="diffusion_pytorch_model.bin", config=dict(net.config), scheduler=said)  # fmt: skip


def lucidrains(root: Path) -> Iterator[Case]:
    """denoising-diffusion-pytorch: what its trainer saves, without the optimiser's state."""
    path = root / "denoising-diffusion-pytorch" / "denoising_diffusion_pytorch"
    package = types.ModuleType("denoising_diffusion_pytorch")
    package.__path__ = [str(path)]  # without what the package imports beside the network
    sys.modules[package.__name__] = package

    needs = ("torchvision", "torchvision.transforms", "accelerate", "scipy", "scipy.optimize", "ema_pytorch")
    stand_in(needs)
    code = importlib.import_module("denoising_diffusion_pytorch.denoising_diffusion_pytorch")
    usual = {"dim": 16, "dim_mults": (1, 2), "attn_heads": 2, "attn_dim_head": 8}
    kinds = {"pred_noise": "eps", "pred_v": "v", "pred_x0": "x0"}
    rows = [(f"{kinds[o]}, {s}", {}, {"objective": o, "beta_schedule": s})
            for o, s in itertools.product(kinds, ("linear", "cosine", "sigmoid"))]  # fmt: skip
    rows += [
        ("full attention everywhere", {"full_attn": (True, True)}, {}), ("4 levels", {"dim_mults": (1, 2, 2, 4)}, {}),
        ("4 heads of 32", {"attn_heads": 4, "attn_dim_head": 32}, {}), ("other first channels", {"init_dim": 24}, {}),
        ("heads by level", {"attn_heads": (1, 4), "attn_dim_head": (16, 8)}, {}),
        ("self-conditioned", {"self_condition": True}, {}), ("400 levels", {}, {"timesteps": 400}),
        ("clipped loss weights", {}, {"min_snr_loss_weight": True}),
        ("steeper sigmoid", {}, {"schedule_fn_kwargs": {"tau": 0.7}}),
    ]  # fmt: skip
    for seed, (words, options, process) in enumerate(rows, 600):
        net = code.Unet(**{**usual, **options})
        process = {"objective": "pred_v", "beta_schedule": "sigmoid", "timesteps": 1000, **process}
        whole = filled(code.GaussianDiffusion(net, image_size=SIDE, **process), seed)
        table = getattr(code, f"{process['beta_schedule']}_beta_schedule")
        betas = table(process["timesteps"], **process.get("schedule_fn_kwargs", {}))
        levels = [process["timesteps"] // 25, process["timesteps"] * 8 // 10]
        x, sigma, wanted = discrete(net, betas, levels, seed, kind=kinds[process["objective"]])
        average = {"ema_model." + k: v for k, v in whole.state_dict().items()}
        raw = {k: v + 1.0 if v.dim() > 1 else v for k, v in whole.state_dict().items()}
        content = {"step": 7, "model": raw, "ema": average, "version": code.__version__}
        yield Case("denoising-diffusion-pytorch", words, content, x, sigma, wanted, name="model-7.pt")


def kdiffusion(root: Path) -> Iterator[Case]:
    """k-diffusion's image_v1: what its trainer saves, without the optimiser's state."""
    for name in ("k_diffusion", "k_diffusion.models"):  # without what the packages import beside the network
        package = types.ModuleType(name)
        package.__path__ = [str(root / "k-diffusion" / name.replace(".", "/"))]
        sys.modules[name] = package
    needs = ("torchvision", "torchvision.transforms", "torchvision.datasets", "dctorch", "dctorch.functional", "scipy",
             "scipy.integrate", "torchdiffeq", "torchsde", "skimage", "skimage.transform")  # fmt: skip
    stand_in(needs)
    layers, unet = (importlib.import_module(f"k_diffusion.{name}") for name in ("layers", "models.image_v1"))
    wrapper = importlib.import_module("k_diffusion.augmentation").KarrasAugmentWrapper
    sigma = torch.tensor([0.3, 20.0], dtype=torch.float64)
    usual = {"channels": (32, 64), "depths": (1, 2), "self_attn_depths": (False, True), "patch_size": 1,
             "has_variance": False, "skip_stages": 0, "sigma_data": 0.5}  # fmt: skip
    rows = [
        ("attention at the bottom", {}), ("attention everywhere", {"self_attn_depths": (True, True)}),
        ("no attention, 3 levels", {"channels": (32, 32, 64), "depths": (2, 1, 1), "self_attn_depths": (False,) * 3}),
        ("pixels folded by 2", {"patch_size": 2}), ("with a variance", {"has_variance": True}),
        ("a first stage that does not run", {"channels": (32, 32, 64), "depths": (1, 1, 1), "skip_stages": 1,
                                             "self_attn_depths": (False, False, True)}),
        ("data of spread 1", {"sigma_data": 1.0}), ("128 channels", {"channels": (64, 128)}),
    ]  # fmt: skip
    for seed, (words, options) in enumerate(rows, 700):
        model = {**usual, **options}
        net = unet.ImageDenoiserModelV1(
            3, 32, model["depths"], model["channels"], model["self_attn_depths"], patch_size=model["patch_size"],
            mapping_cond_dim=9, skip_stages=model["skip_stages"], has_variance=model["has_variance"],
        )  # fmt: skip
        net = filled(wrapper(net), seed)
        kind = layers.DenoiserWithVariance if model["has_variance"] else layers.Denoiser
        x = noisy(seed, sigma)
        state = dict(net.state_dict())
        config = {"model": {"type": "image_v1", "input_channels": 3, "sigma_min": 0.01, "sigma_max": 80.0, **model}}
        content = {"config": config, "model": {k: v * 0.5 for k, v in state.items()}, "model_ema": state, "step": 7}
        wanted = kind(net, sigma_data=model["sigma_data"])(x, sigma.float())
        yield Case("k-diffusion", words, content, x, sigma, wanted, name="net.pth")


FAMILIES = (score_sde, edm, guided, improved, consistency, from_diffusers, lucidrains, kdiffusion)
