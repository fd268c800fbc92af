"""How tensors of a file become the network's: shapes, what moves where, and what is left over."""

import pytest
import torch

from sdedit_core.checkpoints.weights import Weights


def ones(*shape, value=1.0, dtype=torch.float32):
    return torch.full(shape, value, dtype=dtype)


def test_a_matrix_in_its_three_forms():
    grid = torch.arange(6.0).reshape(2, 3)
    source = {"a": grid, "b": grid[:, :, None, None], "c": grid[:, :, None], "d.W": grid, "e": ones(2, 3, 3, 3)}
    weights = Weights({**source, "f": ones(2, 3, 3)})
    for key in ("a", "b", "c"):
        assert torch.equal(weights.matrix(key), grid)
    assert torch.equal(weights.matrix("d.W"), grid.T)
    for key in ("e", "f"):
        with pytest.raises(ValueError, match=rf"tensor '{key}' of shape \(2, 3, 3.* should be a 1x1 convolution"):
            weights.matrix(key)
    with pytest.raises(ValueError, match="lacks the tensor 'g'"):
        weights.get("g")
    assert weights.shape("b") == (2, 3, 1, 1) and "a" in weights and "g" not in weights


@pytest.mark.parametrize("kind", ["matrix", "convolution", "none"])
@pytest.mark.parametrize("scale", [1.0, 0.5])
def test_a_residual_block_takes_the_shortcuts_bias_and_the_scale(kind, scale):
    parts = {"n0": ones(2), "n1": ones(2), "e": ones(2, 4), "c0": ones(2, 2, 3, 3), "c1": ones(2, 2, 3, 3, value=2.0)}
    source = {f"{name}.weight": value for name, value in parts.items()}
    source |= {f"{name}.bias": ones(2, value=k) for k, name in enumerate(parts)}
    kernel = torch.arange(6.0).reshape(2, 3)
    if kind == "matrix":
        source |= {"s.W": kernel.T, "s.b": ones(2, value=10.0)}
    if kind == "convolution":
        source |= {"s.weight": kernel[:, :, None, None], "s.bias": ones(2, value=10.0)}
    weights = Weights(source)
    names = {"norm0": "n0", "conv0": "c0", "emb": "e", "norm1": "n1", "conv1": "c1"}
    weights.res_block("t", shortcut="" if kind == "none" else "s", scale=scale, **names)
    out = weights.finish()
    assert out["t.conv1.bias"].tolist() == [scale * (4.0 + (0.0 if kind == "none" else 10.0))] * 2
    assert torch.equal(out["t.conv1.weight"], 2.0 * scale * ones(2, 2, 3, 3))
    assert out["t.norm0.bias"].tolist() == [0.0, 0.0] and out["t.emb.bias"].tolist() == [2.0, 2.0]
    assert torch.equal(out["t.conv0.weight"], parts["c0"]) and torch.equal(out["t.emb.weight"], parts["e"])
    assert out["t.norm1.bias"].tolist() == [1.0, 1.0] and out["t.conv0.bias"].tolist() == [3.0, 3.0]
    if kind == "none":
        assert "t.shortcut.weight" not in out
    else:
        assert torch.equal(out["t.shortcut.weight"], scale * kernel[:, :, None, None])


def test_half_precision_is_kept_where_nothing_is_multiplied():
    source = {f"{name}.{part}": ones(2, 2, dtype=torch.float16) for name in "qkvp" for part in ("weight", "bias")}
    for scale, dtype in ((1.0, torch.float16), (0.5, torch.float32)):
        weights = Weights(source)
        weights.attention("t", norm="", q="q", k="k", v="v", proj="p", scale=scale)
        assert weights.out["t.proj.weight"].dtype == weights.out["t.proj.bias"].dtype == dtype
        assert weights.out["t.qkv.weight"].dtype == torch.float16


def test_attention_from_three_matrices_and_from_one():
    q, k, v = (ones(2, 2, value=value) for value in (1.0, 2.0, 3.0))
    source = {"q.W": q, "q.b": ones(2, value=4.0), "k.weight": k, "k.bias": ones(2, value=5.0), "v.weight": v}
    source |= {"v.bias": ones(2, value=6.0), "p.weight": q, "p.bias": ones(2), "n.weight": ones(2), "n.bias": ones(2)}
    weights = Weights(source)
    weights.attention("t", norm="n", q="q", k="k", v="v", proj="p", scale=1.0)
    out = weights.finish()
    assert torch.equal(out["t.qkv.weight"], torch.cat([q, k, v]))
    assert out["t.qkv.bias"].tolist() == [4.0, 4.0, 5.0, 5.0, 6.0, 6.0] and out["t.norm.weight"].tolist() == [1.0, 1.0]
    # Rows of 2 heads of 2 channels each, numbered 10 * part + 2 * head + channel, in the orders that files have.
    want = [10 * part + 2 * head + channel for part in range(3) for head in range(2) for channel in range(2)]
    orders = {
        "qkv": want,
        "heads": [10 * part + 2 * head + channel for head in range(2) for part in range(3) for channel in range(2)],
        "edm": [10 * part + 2 * head + channel for head in range(2) for channel in range(2) for part in range(3)],
    }
    for order, rows in orders.items():
        fused = torch.tensor([[float(r)] * 4 for r in rows])
        weights = Weights(
            {"a.weight": fused[:, :, None], "a.bias": fused[:, 0], "p.weight": ones(4, 4), "p.bias": ones(4)}
        )
        weights.fused_attention("t", norm="", qkv="a", proj="p", heads=2, order=order, scale=1.0)
        assert weights.finish()["t.qkv.bias"].tolist() == want
        assert weights.out["t.qkv.weight"][:, 0].tolist() == want


@pytest.mark.parametrize(
    "names, words",
    [("a", "a."), ("dcba", "a, b, c, d."), ("edcba", "a, b, c, d and 1 more."), ("fedcba", "a, b, c, d and 2 more.")],
)
def test_tensors_that_nobody_asked_for_are_named(names, words):
    weights = Weights({name: ones(1) for name in (*names, "x", "y")})
    weights.drop("x", "y", "not there")
    with pytest.raises(ValueError) as refusal:
        weights.finish()
    assert str(refusal.value) == f"it holds tensors that this kind of network does not have: {words}"
    weights.drop(*names)
    assert weights.finish() == {}
