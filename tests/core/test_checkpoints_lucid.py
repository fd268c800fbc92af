"""Networks of denoising-diffusion-pytorch: the default at full size by shapes alone, schedules, what is refused."""

from __future__ import annotations

import json
import math

import pytest
import torch
from families import broken, file_of, found, state_of
from golden import difference, unpack

from sdedit_core.checkpoints import load_checkpoint
from sdedit_core.checkpoints.betas import named_table
from sdedit_core.checkpoints.load import fitted
from sdedit_core.networks import LucidLevel, LucidSpec, build_network
from sdedit_core.networks.preconditioning import EDM, VP
from sdedit_core.sde import beta_table

TRAINED = "lucid_v.pt"


def shapes_of_the_default(dim=64, mults=(1, 2, 4, 8), channels=3, heads=4, size=32):
    """Names and shapes of ``Unet(dim=64, dim_mults=(1, 2, 4, 8))`` of release 2, as its README trains it."""
    out, features = {}, 4 * dim

    def layer(name, *shape, bias=True):
        out[f"{name}.weight"] = shape
        if bias:
            out[f"{name}.bias"] = shape[:1]

    def block(name, cin, cout):
        layer(f"{name}.mlp.1", 2 * cout, features)
        for i, c in ((1, cin), (2, cout)):
            layer(f"{name}.block{i}.proj", cout, c, 3, 3)
            out[f"{name}.block{i}.norm.g"] = (1, cout, 1, 1)
        if cin != cout:
            layer(f"{name}.res_conv", cout, cin, 1, 1)

    def attention(name, c, full):
        out[f"{name}.norm.g"] = (1, c, 1, 1)
        out[f"{name}.mem_kv"] = (2, heads, 4, size) if full else (2, heads, size, 4)
        layer(f"{name}.to_qkv", 3 * heads * size, c, 1, 1, bias=False)
        layer(f"{name}.to_out" if full else f"{name}.to_out.0", c, heads * size, 1, 1)
        if not full:
            out[f"{name}.to_out.1.g"] = (1, c, 1, 1)

    dims = [dim, *(dim * m for m in mults)]
    layer("init_conv", dim, channels, 7, 7)
    layer("time_mlp.1", features, dim)
    layer("time_mlp.3", features, features)
    last = len(mults) - 1
    for i in range(last + 1):
        a, b, up = dims[i], dims[i + 1], last - i
        for name, cin, cout in ((f"downs.{i}", a, a), (f"ups.{up}", a + b, b)):
            block(f"{name}.0", cin, cout)
            block(f"{name}.1", cin, cout)
            attention(f"{name}.2", cout, i == last)
        layer(f"downs.{i}.3" if i == last else f"downs.{i}.3.1", b, *((a, 3, 3) if i == last else (4 * a, 1, 1)))
        layer(f"ups.{up}.3.1" if i else f"ups.{up}.3", a, b, 3, 3)
    block("mid_block1", dims[-1], dims[-1])
    attention("mid_attn", dims[-1], True)
    block("mid_block2", dims[-1], dims[-1])
    block("final_res_block", 2 * dim, dim)
    layer("final_conv", channels, dim, 1, 1)
    return {name: torch.empty(shape, device="meta") for name, shape in out.items()}


def test_the_default_at_full_size():
    state = shapes_of_the_default()
    here = found(state)
    levels = [(64, 64), (64, 128), (128, 256), (256, 512)]
    assert here.spec == LucidSpec(
        tuple(LucidLevel(a, b, "full" if a == 256 else "linear") for a, b in levels),
        embedding_channels=64, embedding_hidden=256,
    )  # fmt: skip
    assert sum(t.numel() for t in here.weights.values()) == 35_711_491  # as the original counts them
    assert here.spec.size_multiple == 8
    fitted(here, torch.float32)  # every tensor has its place and shape
    assert here.preconditioning == VP(
        prediction="v", beta_schedule="sigmoid", beta_start=1e-4, beta_end=0.02, levels=1000
    )
    assert any("v prediction" in line for line in here.assumed) and any(
        "sigmoid betas" in line for line in here.assumed
    )
    said = found(state, prediction="eps", noise_schedule="linear", levels=1000, image_size=128, data_range=(0.0, 1.0))
    assert said.preconditioning == VP((0.0, 1.0), beta_start=1e-4, beta_end=0.02) and said.assumed == []


def test_other_sizes_at_a_glance():
    grey = found(shapes_of_the_default(32, (1, 2), channels=1, heads=8, size=64))
    assert grey.spec.in_channels == 1 and {(x.heads, x.head_channels) for x in grey.spec.levels} == {(8, 64)}
    fitted(grey, torch.float32)
    broken(shapes_of_the_default(32, (1, 2), channels=2), "takes 2 and returns 2 channels")


def test_the_wrapper_of_its_release_is_not_needed(tmp_path):
    """The network alone, as people save it for others: then only the process has to be said."""
    content = file_of(TRAINED)[0].content
    prefix = "ema_model.model."
    alone = {k.removeprefix(prefix): v for k, v in content["ema"].items() if k.startswith(prefix)}
    torch.save(alone, tmp_path / "net.pt")
    assert difference(load_checkpoint(tmp_path / "net.pt", levels=400), TRAINED, "ema") < 1e-5
    assert difference(load_checkpoint(tmp_path / "net.pt"), TRAINED, "ema") > 1e-3


def test_self_conditioning_is_zeros(tmp_path):
    model = load_checkpoint(unpack("lucid_self.pt", tmp_path))
    assert model.channels == 3 and model.module.network.conv_in.weight.shape[1] == 3
    assert "self-conditioning" in model.info.notes[0]


def test_the_objective_is_told_by_the_weights_of_the_loss():
    bar = torch.cumprod(1 - beta_table("cosine", 1000, 0, 0), 0).float()
    snr = bar / (1 - bar)
    tables = {"betas": beta_table("cosine", 1000, 0, 0).float(), "alphas_cumprod": bar}
    network = {k: v for k, v in state_of("lucid_v.pt").items() if k.startswith("model.")}
    for most in (math.inf, 5.0):
        clipped = snr.clamp(max=most)
        for wanted, weight in (("eps", clipped / snr), ("x0", clipped), ("v", clipped / (snr + 1))):
            here = found({**network, **tables, "loss_weight": weight})
            assert here.preconditioning == VP(prediction=wanted, beta_schedule="cosine"), (wanted, most)
            assert here.detected[-1] == f"{wanted} prediction, 1000 levels, cosine betas"
            assert (
                found({**network, **tables, "loss_weight": weight}, prediction="x0").preconditioning.prediction == "x0"
            )
    for odd in (torch.rand(1000), torch.ones(7), torch.full((1000,), math.nan)):
        here = found({**network, **tables, "loss_weight": odd})
        assert here.preconditioning.prediction == "v" and any("v prediction" in line for line in here.assumed)
    here = found({**network, **tables, "p2_loss_weight": torch.ones(1000)})
    assert here.preconditioning.prediction == "eps" and "until 1.6.2" in here.assumed[0]


def test_tables_of_betas():
    for name in ("linear", "scaled_linear", "cosine", "sigmoid"):
        for levels in (50, 1000, 4000):
            start, end = 0.1 / levels, 20.0 / levels
            table = beta_table(name, levels, start, end)
            here = named_table(table.float())
            assert here == VP(beta_schedule=name, levels=levels, beta_start=start, beta_end=end)
    tail = named_table(torch.tensor([0.1, 0.2, 1.0]))
    assert tail.beta_schedule == "table" and tail.betas[-1] == 0.999
    assert named_table(torch.tensor([0.1, 0.2, 0.3])) == VP(
        beta_schedule="linear", levels=3, beta_start=pytest.approx(0.1), beta_end=pytest.approx(0.3)
    )
    for bad in ([0.1], [0.1, 1.0, 0.2], [0.1, -0.1], [0.1, math.nan], [0.1, 1.5]):
        with pytest.raises(ValueError, match="table"):
            named_table(torch.tensor(bad))


def test_a_process_with_betas_of_its_own():
    good = VP(beta_schedule="table", levels=3, betas=[0.1, 0.2, 0.1])
    assert good.betas == (0.1, 0.2, 0.1) and "betas" in good.to_dict() and "betas" not in VP().to_dict()
    for bad in ({"betas": (0.1, 0.2)}, {"betas": "abc"}, {"betas": (0.1, 2.0, 0.1)}, {"betas": (0.1, True, 0.1)}, {}):
        with pytest.raises(ValueError, match="betas"):
            VP(beta_schedule="table", levels=3, **bad)
    assert VP(betas=(0.1, 0.2)).betas == ()  # a schedule with a name has no use for them


def test_sigmoid_schedules():
    """Jabri et al. 2022, figure 8: alpha_bar falls from 1 to 0 like a sigmoid from -3 to 3, halfway in the middle."""
    betas = beta_table("sigmoid", 1000, 0, 0)
    bar = torch.cumprod(1 - betas, 0)
    assert float(bar[499]) == pytest.approx(0.5, abs=1e-3) and float(betas.max()) == 0.999
    t = 0.25
    ends = [1 / (1 + math.exp(x)) for x in (-3.0, 3.0, -3.0 + 6.0 * t)]
    assert float(bar[249]) == pytest.approx((ends[2] - ends[1]) / (ends[0] - ends[1]))
    rise = beta_table("sigmoid-betas", 3, 0.1, 0.3)
    assert rise.tolist() == pytest.approx([0.1 + 0.2 / (1 + math.exp(x)) for x in (6.0, 0.0, -6.0)])


def test_what_is_refused():
    old = {k: v for k, v in state_of("lucid_old.pt").items()}
    with pytest.raises(ValueError, match=r"release before 1\.8, .* this file has none\. Take the model-<n>\.pt"):
        found(old)
    network = {k.removeprefix("model."): v for k, v in state_of(TRAINED).items() if k.startswith("model.")}
    broken({**network, "null_classes_emb": torch.zeros(4)}, "classifier-free guidance, which is not supported")
    broken({k: v for k, v in network.items() if not k.startswith("ups.1.1.")}, "lacks the tensor")
    broken({**network, "init_conv.weight": torch.zeros(8, 3, 7)}, "a network of sequences and not of pictures")
    broken({**network, "betas": torch.zeros(2, 2)}, r"no list of numbers: \(2, 2\)")
    broken({**network, "betas": torch.ones(9, dtype=torch.long)}, "no list of numbers")
    broken({**network, "final_conv.weight": torch.zeros(5, 8, 1, 1)}, "takes 3 and returns 5 channels")
    with pytest.raises(ValueError, match='a discrete VP network; sde="ve" does not fit'):
        found(network, sde="ve")
    betas = torch.rand(400) * 0.1 + 0.01
    with pytest.raises(ValueError, match="a table of its own, so other levels need a noise_schedule as well"):
        found({**state_of(TRAINED), "betas": betas}, levels=20)
    assert found({**state_of(TRAINED), "betas": betas}).preconditioning.betas == tuple(betas.double().tolist())


def test_learned_frequencies_are_edms():
    state = state_of("lucid_edm.pt")
    with pytest.raises(ValueError, match=r'continuous-time one, which is not\. Say sde="edm"'):
        found(state)
    with pytest.raises(ValueError, match='EDM\'s noise levels; sde="vp" does not fit'):
        found(state, sde="vp")
    assert found(state, sde="edm", sigma_max=9.0).preconditioning == EDM(sigma_max=9.0)


LEVELS = [{"inputs": 8, "outputs": 8}, {"inputs": 8, "outputs": 16, "attention": "full"}]


def test_a_description_is_plain_data():
    spec = LucidSpec.from_dict({"levels": LEVELS, "groups": 8, "embedding_channels": 8})
    assert LucidSpec.from_dict(json.loads(json.dumps(spec.to_dict()))) == spec
    for change, words in (
        ({"levels": []}, "1 to 8 levels"), ({"levels": 3}, "a list of tables"), ({"levels": [3]}, "a list of tables"),
        ({"levels": LEVELS * 9}, "1 to 8 levels|each take"), ({"levels": [{"inputs": 8}]}, "is described by"),
        ({"levels": [{**LEVELS[0], "x": 1}]}, "is described by"), ({"x": 1}, "is described by"),
        ({"levels": [LEVELS[1], LEVELS[1]]}, "each take what the one before"), ({"groups": 5}, "do not divide"),
        ({"groups": -8}, "do not divide"), ({"memory": -1}, "memory 0 to 1024"), ({"in_channels": 0}, "1 to 16384"),
        ({"levels": [{**LEVELS[0], "heads": 10**6}]}, "1 to 16384"), ({"embedding": "x"}, "An embedding is"),
        ({"levels": [{**LEVELS[0], "attention": "x"}]}, "Attention is"), ({"embedding_channels": 9}, "features"),
        ({"embedding": "learned", "embedding_channels": 8}, "features"), ({"centred": 1}, "true or false"),
        ({"levels": [{**LEVELS[0], "heads": True}]}, "whole number"),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=words):
            LucidSpec.from_dict({**spec.to_dict(), **change})


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_close(dtype, tmp_path):
    path = unpack(TRAINED, tmp_path)
    name = {torch.float16: "fp16", torch.bfloat16: "bf16"}[dtype]
    assert difference(load_checkpoint(path, dtype=name), TRAINED, "ema") < (2e-2 if name == "fp16" else 0.15)


def test_sizes_that_do_not_fit():
    net = build_network(LucidSpec.from_dict({"levels": LEVELS, "embedding_channels": 8}))
    with pytest.raises(ValueError, match="multiples of 2, got 15 x 16"):
        net(torch.zeros(1, 3, 16, 15), torch.zeros(1))
