"""The U-Net and its layers: sizes, equality with plain PyTorch, in-place buffers, host operations."""

from __future__ import annotations

import copy

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from sdedit_core.networks import UNet, UNetSpec, adm, ddpm, ncsnpp
from sdedit_core.networks.head import to_image
from sdedit_core.networks.layers import FIR, FIRBlur
from sdedit_core.networks.norm import Workspace, group_norm
from sdedit_core.networks.winograd import conv3x3, winograd

TINY = {
    "ncsnpp": ncsnpp(nf=16, ch_mult=(1, 2), blocks=1, attention_levels=(1,)),
    "ncsnpp-residual": ncsnpp(nf=16, ch_mult=(1, 2), blocks=1, attention_levels=(1,), skips=False, residual_input=True),
    "ddpm++": ncsnpp(nf=16, ch_mult=(1, 2), blocks=1, attention_levels=(), fir=False, fourier=False, skips=False),
    "ddpm": ddpm(ch=32, ch_mult=(1, 2), blocks=1, attention_levels=(1,)),
    "adm": adm(channels=32, ch_mult=(1, 2), blocks=1, attention_levels=(1,), head_channels=16),
}


def filled(spec: UNetSpec, **options) -> UNet:
    net = UNet(spec, **options).to(memory_format=torch.channels_last)
    g = torch.Generator().manual_seed(0)
    for name, p in net.named_parameters():
        std = 0.1 if p.dim() == 1 else p[0].numel() ** -0.5
        p.data.copy_(torch.randn(p.shape, generator=g) * std + (p.dim() == 1 and name.endswith("weight")))
    return net


@pytest.mark.parametrize(
    ("spec", "count", "multiple"),
    [(ncsnpp(), 65_574_549, 64), (ddpm(), 113_673_219, 32), (adm(), 552_814_086, 32)],
    ids=["ncsnpp", "ddpm", "adm"],
)
def test_public_networks_have_the_published_number_of_parameters(spec, count, multiple):
    net = UNet(spec, device="meta")
    folded = sum(b.outputs for b in spec.encoder + spec.middle + spec.decoder if b.shortcut)  # shortcut biases
    assert sum(p.numel() for p in net.parameters()) + folded == count
    assert spec.size_multiple == multiple


@pytest.mark.parametrize("name", TINY)
def test_fast_paths_equal_plain_pytorch(name):
    """Inference uses blocked norms, shared buffers and accumulation; autograd mode uses none of them."""
    net = filled(TINY[name])
    x, label = torch.randn(2, 3, 16, 24), torch.tensor([0.3, 2.0])
    with torch.no_grad():
        fast = net(x, label)
    plain = net(x.requires_grad_(), label).detach()
    assert fast.shape == (2, TINY[name].out_channels, 16, 24)
    assert float((fast - plain).abs().max() / plain.abs().max()) < 1e-5
    with torch.no_grad():
        again = net(x.detach(), label)
    assert torch.equal(fast, again)


@pytest.mark.parametrize("name", TINY)
def test_descriptions_survive_json(name):
    assert UNetSpec.from_dict(TINY[name].to_dict()) == TINY[name]


def test_impossible_descriptions_are_refused():
    good = TINY["ncsnpp"].to_dict()
    for change in ({"base": 10**6}, {"eps": 2.0}, {"embedding": "learned"}, {"num_classes": -1}, {"surprise": 1}):
        with pytest.raises(ValueError):
            UNetSpec.from_dict({**good, **change})
    two = {"inputs": 8, "outputs": 8}
    for block in ({**two, "heads": 3}, {**two, "groups_in": 3}, {"inputs": 8}):
        with pytest.raises(ValueError):
            UNetSpec.from_dict({**good, "encoder": [block]})


def test_half_precision_keeps_the_ends_in_float32():
    net = filled(TINY["ncsnpp"], dtype=torch.bfloat16)
    assert net.encoder[0].conv0.weight.dtype == torch.bfloat16
    for layer in (net.conv_in, net.embed.linear0, next(iter(net.heads.values())).conv):
        assert layer.weight.dtype == torch.float32
    x, label = torch.randn(1, 3, 16, 16), torch.tensor([0.3])
    with torch.no_grad():
        half, full = net(x, label), filled(TINY["ncsnpp"])(x, label)
    assert half.dtype == torch.float32
    assert float((half - full).abs().max() / full.abs().max()) < 5e-2


class HostOperations:
    """Layers as a host makes them: weights kept in half precision, cast to the input's type at each call."""

    class Conv2d(nn.Conv2d):
        def forward(self, x):
            return self._conv_forward(x, self.weight.to(x.dtype), None if self.bias is None else self.bias.to(x.dtype))

    class Linear(nn.Linear):
        def forward(self, x):
            return F.linear(x, self.weight.to(x.dtype), self.bias.to(x.dtype))

    class GroupNorm(nn.GroupNorm):
        def forward(self, x):
            return F.group_norm(x, self.num_groups, self.weight.to(x.dtype), self.bias.to(x.dtype), self.eps)

    class Embedding(nn.Embedding):
        pass


@pytest.mark.parametrize("name", TINY)
def test_host_operations_may_cast_weights(name):
    net = filled(TINY[name], operations=HostOperations, dtype=torch.float16, compute_dtype=torch.float32)
    plain = filled(TINY[name])
    x, label = torch.randn(1, 3, 16, 16), torch.tensor([0.3])
    with torch.no_grad():
        a, b = net(x, label), plain(x, label)
    assert float((a - b).abs().max() / b.abs().max()) < 2e-2
    leaves = {id(p) for m in net.modules() if not list(m.children()) for p in m.parameters()}
    assert all(id(p) in leaves for p in net.parameters()), "raw parameters belong into leaf modules"


@pytest.mark.parametrize("extras", ["", "add", "scale_shift"])
@pytest.mark.parametrize("offset", [0.0, 30.0])
def test_group_norm_is_accurate(extras, offset):
    g = torch.Generator().manual_seed(0)
    x = (torch.randn(2, 32, 96, 96, generator=g) + offset).contiguous(memory_format=torch.channels_last)
    norm = nn.GroupNorm(8, 32, eps=1e-6).requires_grad_(False)
    norm.weight.data.normal_(generator=g)
    norm.bias.data.normal_(generator=g)
    add, scale, shift = torch.randn(3, 2, 32, generator=g)
    options = {"add": add} if extras == "add" else {"scale_shift": (scale, shift)} if extras else {}
    with torch.no_grad():
        got = group_norm(norm, x, **options)
        wide = nn.GroupNorm(8, 32, eps=1e-6).double()
        wide.load_state_dict(norm.state_dict())
        h = wide(x.double() + (add[:, :, None, None] if extras == "add" else 0))
        if extras == "scale_shift":
            h = h * (1 + scale[:, :, None, None].double()) + shift[:, :, None, None]
        wanted = F.silu(h)
        into = group_norm(norm, x, out=x, **options)
    assert float((got - wanted).abs().max() / wanted.abs().max()) < 1e-5
    assert into.data_ptr() == x.data_ptr() and torch.equal(into, got)


def test_fir_equals_zero_stuffing():
    """Up: insert zeros, then filter; down: filter, then drop (StyleGAN2's upfirdn2d)."""
    taps = torch.tensor([1.0, 3.0, 3.0, 1.0])
    kernel = (torch.outer(taps, taps) / 64)[None, None]
    x = torch.randn(1, 1, 6, 8)
    stuffed = torch.zeros(1, 1, 12, 16)
    stuffed[..., ::2, ::2] = x
    up = F.conv2d(F.pad(stuffed, (2, 1, 2, 1)), 4 * kernel)
    assert torch.allclose(FIR("up")(x), up, atol=1e-6)
    assert torch.allclose(FIR("up")(x.bfloat16()).float(), up, atol=3e-2)
    assert torch.allclose(FIR("down")(x), F.conv2d(F.pad(x, (1, 1, 1, 1)), kernel)[..., ::2, ::2], atol=1e-6)
    assert FIRBlur()(x).shape == (1, 1, 7, 9)


@pytest.mark.parametrize(("cin", "cout", "height", "width"), [(64, 64, 32, 32), (64, 96, 36, 64), (128, 64, 64, 20)])
def test_winograd_is_as_accurate_as_the_convolution(cin, cout, height, width):
    g = torch.Generator().manual_seed(0)
    conv = nn.Conv2d(cin, cout, 3, padding=1).requires_grad_(False)
    x = torch.randn(2, cin, height, width, generator=g).contiguous(memory_format=torch.channels_last)
    with torch.no_grad():
        exact = F.conv2d(x.double(), conv.weight.double(), conv.bias.double(), padding=1)
        got = winograd(x, conv.weight, conv.bias, Workspace())
        chosen = conv3x3(conv, x, Workspace())
    assert got.is_contiguous(memory_format=torch.channels_last)
    assert float((got - exact).abs().max() / exact.abs().max()) < 4e-6
    assert torch.allclose(chosen, got, atol=1e-4)


@pytest.mark.parametrize("kind", [torch.float32, torch.bfloat16])
def test_joined_inputs_equal_their_concatenation(kind):
    """A decoder block reads its two inputs where they are; the result is that of the joined tensor."""
    net = filled(TINY["ncsnpp"], dtype=kind)
    index = next(i for i, b in enumerate(net.spec.decoder) if b.shortcut and not b.resample)
    block = net.decoder[index]
    g = torch.Generator().manual_seed(0)
    half = block.spec.inputs // 2
    parts = tuple(
        torch.randn(1, c, 32, 40, generator=g).to(kind).contiguous(memory_format=torch.channels_last)
        for c in (half, block.spec.inputs - half)
    )
    emb = torch.randn(1, net.spec.embedding_hidden, generator=g).to(kind)
    with torch.no_grad():
        pair, joined = block(parts, emb, Workspace()), block(torch.cat(parts, dim=1), emb)
    tolerance = 1e-5 if kind == torch.float32 else 3e-2
    assert float((pair.float() - joined.float()).abs().max() / joined.abs().max()) < tolerance


def test_the_first_layer_in_half_precision_is_rounded_once():
    net, seen = filled(TINY["ncsnpp"], dtype=torch.bfloat16), []
    net.encoder[0].register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].clone()))
    image, conv = torch.randn(2, 3, 32, 48, generator=torch.Generator().manual_seed(0)), net.conv_in
    with torch.no_grad():
        net(image, torch.tensor([0.3, 0.3]))
        wanted, got = conv(image), seen[0]
        assert got.dtype == torch.bfloat16
        assert float((got.float() - wanted).abs().max()) <= 2**-7 * float(wanted.abs().max())
        plain = nn.functional.conv2d(image.bfloat16(), conv.weight.bfloat16(), conv.bias.bfloat16(), padding=1)
        assert (got.float() - wanted).pow(2).mean() < (plain.float() - wanted).pow(2).mean()


@pytest.mark.parametrize("shape", [(1, 24, 40), (2, 17, 9)])
def test_the_end_in_half_precision_keeps_float32_accuracy(shape):
    """Image out: as the float32 layers."""
    g = torch.Generator().manual_seed(0)
    b, height, width = shape
    with torch.no_grad():
        head, norm = nn.Conv2d(32, 3, 3, padding=1).requires_grad_(False), nn.GroupNorm(8, 32).requires_grad_(False)
        for kind in (torch.float32, torch.bfloat16):
            x = (torch.randn(b, 32, height, width, generator=g) + 2.0).to(kind)
            x = x.contiguous(memory_format=torch.channels_last)
            wide = [copy.deepcopy(layer).double() for layer in (norm, head)]
            wanted = wide[1](F.silu(wide[0](x.double())))
            got = to_image(norm, head, x, Workspace())
            assert float((got - wanted).abs().max() / wanted.abs().max()) < 1e-5


@pytest.mark.slow
def test_compiled_network_is_the_same(tmp_path):
    """Needs a C++ compiler; where there is none the error says so."""
    from sdedit_core.networks.preconditioning import VE, Denoiser

    net = filled(TINY["ncsnpp"])
    x, sigma = torch.rand(1, 3, 16, 16), torch.tensor([0.3])
    denoiser = Denoiser(net, VE((0.0, 1.0)), channels=3, gain=2.0, offset=-1.0)
    with torch.no_grad():
        plain = denoiser(x, sigma)
        denoiser.compile_network()
        try:
            compiled = denoiser(x, sigma)
        except ValueError as error:
            assert "without compile" in str(error)
            pytest.skip("no compiler here")
    assert float((compiled - plain).abs().max() / plain.abs().max()) < 1e-5


def test_winograd_steps_aside():
    """Patched layers, gradients, other types and odd sizes get the layer's own forward."""

    class Patched(nn.Conv2d):
        def forward(self, x):
            return super().forward(x) + 1.0

    x = torch.randn(1, 64, 32, 32).contiguous(memory_format=torch.channels_last)
    patched = Patched(64, 64, 3, padding=1).requires_grad_(False)
    assert torch.equal(conv3x3(patched, x, Workspace()), patched(x))
    conv = nn.Conv2d(64, 64, 3, padding=1).requires_grad_(False)
    assert conv3x3(conv, x.clone().requires_grad_(), Workspace()).requires_grad
    odd = torch.randn(1, 64, 34, 34).contiguous(memory_format=torch.channels_last)
    assert torch.equal(conv3x3(conv, odd, Workspace()), conv(odd))


def test_a_block_leaves_its_input_alone():
    net = filled(TINY["ddpm"])
    x = torch.randn(1, 32, 8, 8).contiguous(memory_format=torch.channels_last)
    before = x.clone()
    with torch.no_grad():
        net.encoder[0](x, torch.randn(1, 128), Workspace())
    assert torch.equal(x, before)
