"""k-diffusion's image_v1 networks: published configurations by shapes alone, what the file says, what is refused."""

from __future__ import annotations

import json

import pytest
import torch
from families import broken, file_of, found, state_of

from sdedit_core.checkpoints.load import fitted, recognise
from sdedit_core.checkpoints.overrides import Overrides
from sdedit_core.checkpoints.reading import RawFile
from sdedit_core.networks import KDiffusionSpec, build_network
from sdedit_core.networks.kdiffusion import double, halve
from sdedit_core.networks.preconditioning import EDM

NAME = "kdiffusion.pth"


def shapes(channels, depths, attention, *, features=256, image=3, patch=1, variance=False):
    """Names and shapes of an image_v1 network with its augmentation wrapper, on the meta device."""
    out, folded = {}, image * patch**2

    def layer(name, *shape, bias=True):
        out[f"{name}.weight"] = shape
        if bias:
            out[f"{name}.bias"] = shape[:1]

    def stage(name, cin, mid, cout, depth, attends, number):
        for i in range(depth):
            a, b = (cin if i == 0 else mid), (mid if i < depth - 1 else cout)
            layer(f"{name}.{number}.main.0.mapper", 2 * a, features)
            layer(f"{name}.{number}.main.2", mid, a, 3, 3)
            layer(f"{name}.{number}.main.4.mapper", 2 * mid, features)
            layer(f"{name}.{number}.main.6", b, mid, 3, 3)
            if a != b:
                layer(f"{name}.{number}.skip", b, a, 1, 1, bias=False)
            number += 1
            if attends:
                layer(f"{name}.{number}.norm_in.mapper", 2 * b, features)
                layer(f"{name}.{number}.qkv_proj", 3 * b, b, 1, 1)
                layer(f"{name}.{number}.out_proj", b, b, 1, 1)
                number += 1
        return number

    out["timestep_embed.weight"] = (features // 2, 1)
    out["mapping_cond.weight"] = (features, 9)
    layer("mapping.0", features, features)
    layer("mapping.2", features, features)
    layer("proj_in", channels[0], folded, 1, 1)
    layer("proj_out", folded + variance, channels[0], 1, 1)
    last = len(channels) - 1
    for i, (c, depth, attends) in enumerate(zip(channels, depths, attention, strict=True)):
        down, up, above = f"u_net.d_blocks.{i}", f"u_net.u_blocks.{last - i}", channels[max(0, i - 1)]
        stage(down, above, c, c, depth, attends, 1)
        end = stage(up, c if i == last else 2 * c, c, above, depth, attends, 0)
        if i:
            out[f"{down}.0.kernel"] = out[f"{up}.{end}.kernel"] = (4, 4)
    return {f"inner_model.{name}": torch.empty(shape, device="meta") for name, shape in out.items()}


@pytest.mark.parametrize(
    ("channels", "attention", "image", "total"),
    [
        ((128, 256, 512), (False, True, True), 3, 66_121_731),  # config_32x32_small, config_cifar10
        ((128, 128, 256), (False, False, True), 1, 19_598_849),  # config_mnist
    ],
)
def test_published_configurations(channels, attention, image, total):
    here = found(shapes(channels, (2, 4, 4), attention, image=image))
    assert here.spec == KDiffusionSpec(channels, (2, 4, 4), attention, 256, image)
    assert here.spec.size_multiple == 4
    fitted(here, torch.float32)
    assert sum(t.numel() for t in here.weights.values()) == total - 256 * 9 + 128  # augmentation, frequencies
    assert here.preconditioning == EDM(sigma_min=0.01, sigma_max=80.0)
    assert [line.split(",")[0] for line in here.assumed] == [
        "sigma_min 0.01",
        "sigma_max 80",
        "sigma_data 0.5",
        "pixels in [-1",
    ]


def test_patches_and_channels():
    for image, patch in ((3, 2), (3, 4), (1, 2)):
        state = shapes((64, 64), (1, 1), (False, True), image=image, patch=patch, variance=True)
        spec = found(state).spec
        assert (spec.in_channels, spec.patch, spec.variance) == (image, patch, True)
    broken(shapes((64,), (1,), (False,), image=5), "5 channels enter it, which are none of a picture")


def read(config, metadata=None):
    content = {"model_ema": state_of(NAME), "config": config}
    raw = RawFile(file_of(NAME)[0].path, content, "memory", metadata=metadata or {})
    return recognise(raw, Overrides(), "ema")


def test_the_configuration_is_data():
    model = {"sigma_data": 0.25, "sigma_min": 0.02, "sigma_max": 9, "input_size": [16, 24]}
    here = read({"model": model})
    assert here.preconditioning == EDM(sigma_min=0.02, sigma_max=9.0, sigma_data=0.25) and here.size == (16, 24)
    slim = read(None, {"config": json.dumps({"model": model})})
    assert slim.preconditioning == here.preconditioning
    for odd in (None, 3, {}, {"model": 3}, {"model": {"input_size": "x"}}, {"model": {"input_size": [0, 1]}}):
        assert read(odd).preconditioning.sigma_data == 0.5 and read(odd).size is None
    for text in ("{", "[" * 100_000, json.dumps({"model": 1}), " " * (1 << 21)):
        assert read(None, {"config": text}).preconditioning.sigma_data == 0.5
    with pytest.raises(ValueError, match="of the kind 'image_transformer_v2', not image"):
        read({"model": {"type": "image_transformer_v2"}})
    for bad in ("x", True, -1, 1e9):
        with pytest.raises(ValueError, match=r"sigma_data = .*, which is no sensible number"):
            read({"model": {"sigma_data": bad}})


def test_what_is_refused():
    state = state_of(NAME)
    prefix = "" if "mapping.0.weight" in state else "inner_model."
    cond = f"{prefix}mapping_cond.weight"
    broken({**state, cond: torch.zeros(16, 19)}, "conditioned on more than the noise")
    broken(
        {**state, f"{prefix}u_net.d_blocks.0.2.kv_proj.weight": torch.zeros(1)}, "attends to text or other conditions"
    )
    broken({**state, f"{prefix}proj_in.weight": torch.zeros(16, 6, 1, 1)}, "given more than a picture")
    broken({k: v for k, v in state.items() if ".d_blocks.1.1." not in k}, "complete")
    assert found({k: v for k, v in state.items() if k != cond}).spec == found(state).spec


def test_a_filter_with_mirrored_edges():
    """A constant stays one up to the border, up and down."""
    x = torch.full((1, 2, 6, 8), 3.0)
    assert torch.allclose(halve(x), torch.full((1, 2, 3, 4), 3.0)) and torch.allclose(
        double(x), torch.full((1, 2, 12, 16), 3.0)
    )


def test_a_description_is_plain_data():
    spec = KDiffusionSpec((32, 64), (1, 2), (False, True), 16)
    assert KDiffusionSpec.from_dict(json.loads(json.dumps(spec.to_dict()))) == spec
    for change, words in (
        ({"channels": []}, "1 to 8 entries"), ({"channels": "x"}, "1 to 8 entries"),
        ({"depths": [1]}, "as many depths"),
        ({"depths": [1, 65]}, "to 64"), ({"attention": [0, 1]}, "true or false"), ({"channels": [0, 64]}, "1 to 16384"),
        ({"channels": [100, 64]}, "100 channels do not split"), ({"features": 15}, "an even size"),
        ({"x": 1}, "described"),
        ({"patch": 0}, "1 to 16384"), ({"variance": 1}, "true or false"),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=words):
            KDiffusionSpec.from_dict({**spec.to_dict(), **change})
    with pytest.raises(ValueError, match="is described by"):
        KDiffusionSpec.from_dict({"channels": [32]})


def test_sizes_that_do_not_fit():
    net = build_network(KDiffusionSpec((32, 32), (1, 1), (False, False), 16))
    for side in (15, 2):
        with pytest.raises(ValueError, match=f"multiples of 2, and twice that at least, got {side} x 16"):
            net(torch.zeros(1, 3, 16, side), torch.zeros(1))
