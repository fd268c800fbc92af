"""Our networks with ComfyUI's own layer classes: weights cast at each call, patched, and left in half precision."""

import importlib

import comfy.ops
import torch

networks = importlib.import_module("pack.sdedit_core.networks")
SPECS = {
    "ncsnpp": networks.ncsnpp(nf=32, ch_mult=(1, 2), blocks=1, attention_levels=(1,)),
    "ddpm": networks.ddpm(ch=64, ch_mult=(1, 2), blocks=1, attention_levels=(1,)),
    "adm": networks.adm(channels=32, ch_mult=(1, 2), blocks=1, attention_levels=(1,), head_channels=16, num_classes=3),
}


def filled(spec, operations, dtype=torch.float32, compute=None):
    net = networks.UNet(spec, operations=operations, dtype=dtype, compute_dtype=compute)
    g = torch.Generator().manual_seed(0)
    for name, p in net.named_parameters():
        std = 0.1 if p.dim() == 1 else p[0].numel() ** -0.5
        p.data.copy_(torch.randn(p.shape, generator=g) * std + (p.dim() == 1 and name.endswith("weight")))
    return net


def run(net):
    g = torch.Generator().manual_seed(1)
    x, label = torch.randn(2, 3, 32, 32, generator=g), torch.tensor([0.3, 2.0])
    y = torch.tensor([0, 2]) if net.spec.num_classes else None
    return net(x, label, y)


def difference(a, b):
    return float((a - b).abs().max() / b.abs().max())


def check_networks_run_with_the_hosts_layers():
    for name, spec in SPECS.items():
        plain = run(filled(spec, torch.nn))
        assert difference(run(filled(spec, comfy.ops.disable_weight_init)), plain) < 1e-5, name
        assert difference(run(filled(spec, comfy.ops.manual_cast)), plain) < 1e-5, name
        for dtype in (torch.float16, torch.bfloat16):
            cast = run(filled(spec, comfy.ops.manual_cast, dtype, torch.float32))
            assert cast.dtype == torch.float32 and difference(cast, plain) < 5e-2, (name, dtype)


def check_networks_of_other_codes_run_with_the_hosts_layers():
    """Those that are no networks.UNet; their few weights outside of the host's layers follow the activations."""
    level = networks.LucidLevel
    lucid = networks.LucidSpec((level(32, 32), level(32, 64, "full")), embedding_channels=32, embedding_hidden=64)
    for spec in (lucid, networks.KDiffusionSpec((32, 64), (1, 1), (False, True), 32)):
        build = lambda ops, dtype, spec=spec: networks.build_network(spec, operations=ops, dtype=dtype)  # noqa: E731
        nets = {}
        for name, ops, dtype in (
            ("plain", torch.nn, torch.float32), ("host", comfy.ops.disable_weight_init, torch.float32),
            ("cast", comfy.ops.manual_cast, torch.float32), ("half", comfy.ops.manual_cast, torch.float16),
            ("bf16", comfy.ops.disable_weight_init, torch.bfloat16),
        ):  # fmt: skip
            nets[name] = net = build(ops, dtype)
            g = torch.Generator().manual_seed(0)
            for path, p in net.named_parameters():
                std = 0.1 if p.dim() == 1 else p[0].numel() ** -0.5
                p.data.copy_(torch.randn(p.shape, generator=g) * std + (p.dim() == 1 and path.endswith("weight")))
        wanted = run(nets["plain"])
        for name, limit in (("host", 1e-5), ("cast", 1e-5), ("half", 5e-2), ("bf16", 0.2)):
            got = run(nets[name])
            assert got.dtype == torch.float32 and difference(got, wanted) < limit, (spec, name, difference(got, wanted))


def check_every_weight_sits_in_a_layer_that_the_host_can_offload():
    for name, spec in SPECS.items():
        net = filled(spec, comfy.ops.disable_weight_init)
        for path, module in net.named_modules():
            own = [n for n, _ in module.named_parameters(recurse=False)]
            assert not own or hasattr(module, "comfy_cast_weights") or path == "embed.features", (name, path, own)


def check_weight_patches_take_effect():
    for name, spec in SPECS.items():
        plain = run(filled(spec, torch.nn))
        net = filled(spec, comfy.ops.manual_cast)
        layer = net.encoder[0].conv1
        layer.weight_function = [lambda weight: weight * 1.5]
        patched = run(net)
        layer.weight_function = []
        wanted = filled(spec, torch.nn)
        wanted.encoder[0].conv1.weight.data.mul_(1.5)
        error = difference(patched, run(wanted))
        assert difference(patched, plain) > 1e-3 and error < 1e-5, (name, error)
