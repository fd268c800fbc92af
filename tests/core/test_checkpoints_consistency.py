"""Files of openai/consistency_models: the same tensors are an EDM network or a consistency model; both are right."""

from __future__ import annotations

import pytest
import torch
from golden import NAMES, OVERRIDES, difference, expectation, unpack
from PIL import Image
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from sdedit_core import ScoreModel, perturb, reverse, sdedit
from sdedit_core.checkpoints import convert_checkpoint, load_checkpoint
from sdedit_core.checkpoints.formats.adm_known import kind_by_name, known_network
from sdedit_core.checkpoints.weights import Weights
from sdedit_core.cli.main import main
from sdedit_core.networks.preconditioning import Consistency, Denoiser
from sdedit_core.pictures.io import load_image
from sdedit_core.sampling.solvers import SOLVERS

HEADS = {"num_head_channels": 16}
MEAN, STD = 0.2, 0.3
CD, EDM = "cd_lsun.pt", "edm_imagenet.pt"


def renamed(name, new, folder):
    path = unpack(name, folder)
    return path.rename(path.with_name(new))


@pytest.mark.parametrize(("name", "new"), [(CD, "edm_lsun_ema.pt"), (EDM, "cd_imagenet64_l2.pt"), (EDM, "ct_x.pt")])
def test_the_file_name_says_which_of_the_two_it_is(name, new, tmp_path):
    """The original's ``KarrasDenoiser`` made both answers from one network, with and without ``distillation``."""
    named = load_checkpoint(unpack(name, tmp_path), **HEADS)
    other = load_checkpoint(renamed(name, new, tmp_path), **HEADS)
    assert difference(named, name, "ema") < 1e-5 and difference(other, name, "other") < 1e-5
    assert difference(named, name, "other") > 1e-3 and difference(other, name, "ema") > 1e-3
    assert [named.distilled, other.distilled] == [name == CD, name == EDM]
    for model in (named, other):
        assert model.data_range == (-1.0, 1.0)
        assert (model.schedule.sigma_min, model.schedule.sigma_max) == (0.002, 80.0)


def test_the_info_says_what_it_is_and_who_says_so(tmp_path):
    said = load_checkpoint(unpack(CD, tmp_path), **HEADS).info
    assert "consistency model: few_step, 1 to 4 evaluations (by its file name)" in said.detected
    said = load_checkpoint(tmp_path / CD, sde="edm", **HEADS).info
    assert any(line.startswith("EDM network (as said)") for line in said.detected)
    info = load_checkpoint(unpack(EDM, tmp_path), **HEADS).info
    assert any(line.startswith("EDM network (by its file name)") for line in info.detected)


def test_where_the_name_says_nothing_an_option_or_a_sidecar_does(tmp_path):
    path = renamed(CD, "ema_0.9999_050000.pt", tmp_path)
    assumed = load_checkpoint(path, **HEADS)
    assert difference(assumed, CD, "other") < 1e-5 and not assumed.distilled
    assert any('sde="consistency" for a consistency model' in line for line in assumed.info.assumed)
    said = load_checkpoint(path, sde="consistency", **HEADS)
    assert difference(said, CD, "ema") < 1e-5 and said.distilled
    path.with_suffix(".json").write_text('{"sde": "consistency", "num_head_channels": 16}')
    assert load_checkpoint(path).distilled and not load_checkpoint(path, sde="edm").distilled
    assert not load_checkpoint(unpack(CD, tmp_path), sde="edm", **HEADS).distilled  # an option wins over the name


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("cd_bedroom256_l2.pt", "consistency"), ("cd_bedroom256_lpips.pt", "consistency"),
        ("ct_bedroom256.pt", "consistency"), ("cd_cat256_lpips.pt", "consistency"), ("ct_cat256.pt", "consistency"),
        ("CD_ImageNet64_L2.safetensors", "consistency"), ("openai-ct-imagenet64.pt", "consistency"),
        ("target_model050000.pt", "consistency"), ("my consistency model.pt", "consistency"),
        ("edm_bedroom256_ema.pt", "edm"), ("edm_cat256_ema.pt", "edm"), ("edm_imagenet64_ema.pt", "edm"),
        ("consistency_models-edm_cat256.pt", "edm"), ("lung_ct_edm.pt", "edm"),
        ("abcd_net.pt", None), ("ctrl.pt", None), ("model050000.pt", None), ("ema_0.9999_050000.pt", None),
    ],
)  # fmt: skip
def test_names(name, kind):
    assert kind_by_name(name) == kind


def test_a_name_makes_no_consistency_model_of_another_network(tmp_path):
    """guided-diffusion's files store attention otherwise: a name changes nothing there."""
    model = load_checkpoint(renamed("adm_cond.pt", "cd_cat256_l2.pt", tmp_path), **HEADS)
    assert difference(model, "adm_cond.pt", "ema") < 1e-5 and not model.distilled


UNETS = tuple(f"diffusers_{kind}.safetensors" for kind in ("ddpm", "adm", "edm", "zero"))


@pytest.mark.parametrize("name", [n for n in NAMES if n not in (CD, EDM, "diffusers_cm.safetensors")])
def test_other_files_are_no_consistency_models_unless_their_network_may_be_one(name, tmp_path):
    path, base = unpack(name, tmp_path), OVERRIDES.get(name, {})
    assert not load_checkpoint(path, **base).distilled
    if name in ("adm_cond.pt", "improved_cond.pt", "improved_uncond.pt") or name in UNETS:
        options = {k: v for k, v in base.items() if k.startswith("num_")}
        model = load_checkpoint(path, sde="consistency", **options)
        assert model.distilled and model.schedule.sigma_max == (60.0 if name == "diffusers_edm.safetensors" else 80.0)
        return
    with pytest.raises(ValueError, match=r"sde=.?consistency") as told:
        load_checkpoint(path, **{**base, "sde": "consistency"})
    assert "does not fit" in str(told.value) or "no effect" in str(told.value)


def test_a_diffusers_folder_says_it_by_its_scheduler(tmp_path):
    folder = unpack("diffusers_cm.safetensors", tmp_path)
    assert load_checkpoint(folder).distilled
    scheduler = folder / "scheduler_config.json"
    scheduler.write_text(scheduler.read_text().replace("80.0", "40.0").replace("0.5", "0.25"))
    model = load_checkpoint(folder)
    assert model.schedule.sigma_max == 40.0 and model.module.preconditioning.sigma_data == 0.25
    scheduler.unlink()
    assert not load_checkpoint(folder).distilled and load_checkpoint(folder, sde="consistency").distilled


def test_a_fourier_network_is_no_consistency_model(tmp_path):
    folder = unpack("diffusers_ncsnpp.bin", tmp_path)
    (folder / "scheduler_config.json").write_text('{"_class_name": "CMStochasticIterativeScheduler"}')
    with pytest.raises(ValueError, match="CMStochasticIterativeScheduler is none of a VE network"):
        load_checkpoint(folder)


# features, classes, channels out, deepest channels, last encoder stage: as the original's script_util builds them
PUBLISHED = {"LSUN 256": (256, False, 3, 1024, 17), "ImageNet 64": (192, True, 3, 768, 15)}


def shapes(features, classes, out, deepest, last, dims=2):
    state = {
        "time_embed.0.weight": torch.empty(4 * features, features),
        "out.2.weight": torch.empty(out, features, 3, 3),
        "middle_block.0.in_layers.0.weight": torch.empty(deepest),
        "middle_block.1.qkv.weight": torch.empty(3 * deepest, deepest, *[1] * dims),
        f"input_blocks.{last}.0.in_layers.0.weight": torch.empty(deepest),
    }
    return Weights({**state, **({"label_emb.weight": torch.empty(1000, 4 * features)} if classes else {})})


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_published_networks_are_known(name):
    facts = PUBLISHED[name]
    known = known_network(shapes(*facts))
    assert known.name.startswith(f"{name} of consistency_models")
    assert (known.num_head_channels, known.new_attention_order) == (64, True)
    assert known_network(shapes(*facts, dims=1)) is None  # guided-diffusion's, which nobody published


def test_what_the_training_code_has_no_use_for_is_refused_by_name(tmp_path):
    path = unpack(CD, tmp_path)
    for option, value in (
        ("use_new_attention_order", False), ("use_new_attention_order", True), ("noise_schedule", "cosine"),
        ("levels", 40), ("prediction", "x0"), ("rescale_timesteps", True),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=f"{option}=.* has no effect"):
            load_checkpoint(path, **HEADS, **{option: value})
    wrong = load_checkpoint(path, num_head_channels=32)
    assert difference(wrong, CD, "ema") > 1e-3


@pytest.mark.parametrize("name", [CD, "diffusers_cm.safetensors"])
def test_a_converted_file_is_a_consistency_model(name, tmp_path):
    path, base = unpack(name, tmp_path), OVERRIDES.get(name, {})
    for dtype, close in (("fp32", 1e-5), ("fp16", 5e-3)):
        target = tmp_path / f"{dtype}.safetensors"
        info = convert_checkpoint(path, target, dtype=dtype, overrides={**base, "sigma_max": 40.0})
        model = load_checkpoint(target)
        assert model.distilled and model.schedule.sigma_max == 40.0
        assert model.module.preconditioning == load_checkpoint(path, sigma_max=40.0, **base).module.preconditioning
        assert difference(model, name, "ema") < close
        assert any(line.startswith("consistency model: few_step") for line in model.info.detected)
        assert any(line.startswith("consistency model: few_step") for line in info.detected)
    assert load_checkpoint(target, sde="consistency").distilled
    with pytest.raises(ValueError, match=r'says itself that its noise process is "consistency"; sde="edm"'):
        load_checkpoint(target, sde="edm")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"sigma_min": 0.002', '"sigma_min": 80.0'), ('"sigma_min": 0.002', '"sigma_min": -1.0'),
        ('"sigma_data": 0.5', '"sigma_data": 0.0'), ('"sigma_data": 0.5', '"sigma_data": NaN'),
        ('"label_gain": 250.0', '"label_gain": "x"'), ('"sigma_max": 80.0', '"sigma_max": 1e300'),
        ('"kind": "consistency"', '"kind": "consistency", "distilled": true'),
    ],
)  # fmt: skip
def test_a_converted_file_that_lies_is_refused(old, new, tmp_path):
    target = tmp_path / "c.safetensors"
    convert_checkpoint(unpack(CD, tmp_path), target, overrides=HEADS)
    with safe_open(target, "pt") as file:
        metadata = file.metadata()
    assert old in metadata["sdedit"]
    tensors = {k: v.clone() for k, v in load_file(target).items()}
    save_file(tensors, target, metadata={**metadata, "sdedit": metadata["sdedit"].replace(old, new)})
    with pytest.raises(ValueError, match=r"c\.safetensors"):
        load_checkpoint(target)


@pytest.fixture
def model(tmp_path):
    return load_checkpoint(unpack(CD, tmp_path), **HEADS)


@pytest.mark.parametrize("steps", [1, 2, 3])
def test_an_edit_takes_one_evaluation_a_step(model, steps):
    guide = torch.rand(1, 3, 16, 16, generator=torch.Generator().manual_seed(2)) * 2 - 1
    result = sdedit(model, guide, t0=0.7, steps=steps, seed=5)
    assert result.nfe == steps and bool(torch.isfinite(result.samples).all())
    if steps == 1:  # one jump from the noised guide
        state = perturb(model, guide, 0.7, seed=5)
        assert torch.equal(reverse(model, state, steps=1, seed=5).samples, result.samples)
        assert torch.allclose(result.samples, model.denoise(state.samples, state.sigma), atol=1e-6)


class Jump(torch.nn.Module):
    """The network that makes D the end of the probability-flow ODE for data N(MEAN, STD^2), down to sigma_min."""

    def forward(self, x, label, y=None):
        sigma = torch.exp(label.double() / 250.0)
        c_skip, c_out, c_in, _ = (v.reshape(-1, 1, 1, 1) for v in Consistency().scalings(sigma))
        x, s = x.double() / c_in, sigma.reshape(-1, 1, 1, 1)
        d = MEAN + (x - MEAN) * ((STD**2 + 0.002**2) / (STD**2 + s**2)).sqrt()
        return ((d - c_skip * x) / c_out).float()


@pytest.mark.parametrize("steps", [1, 2, 4])
def test_the_spread_of_the_results_is_that_of_the_data(steps):
    """The law of SDEdit at few evaluations; solvers for scores give up to twice the spread here."""
    denoiser = Denoiser(Jump(), Consistency(), channels=3, gain=1.0, offset=0.0)
    model = ScoreModel(denoiser, schedule=Consistency().schedule(), data_range=(-1.0, 1.0), distilled=True)
    result = sdedit(model, torch.full((1, 3, 96, 96), 0.6), t0=0.75, steps=steps, seed=3).samples
    assert float(result.std()) == pytest.approx(STD, rel=0.02)
    assert float(result.mean()) == pytest.approx(MEAN, abs=0.06)


def test_solvers_that_need_a_mean_are_refused_with_the_remedy(model):
    guide = torch.zeros(1, 3, 16, 16)
    assert torch.equal(sdedit(model, guide, t0=0.5, steps=2).samples,
                       sdedit(model, guide, t0=0.5, steps=2, solver="few_step").samples)  # fmt: skip
    for name in set(SOLVERS) - {"auto", "few_step"}:
        with pytest.raises(ValueError, match="Set solver to few_step, or to auto"):
            sdedit(model, guide, t0=0.5, steps=2, solver=name)
    with pytest.raises(ValueError, match="no score"):
        model.score(guide, 1.0)


def test_a_class_is_given_to_the_network(tmp_path):
    model = load_checkpoint(renamed(EDM, "cd_imagenet64_l2.pt", tmp_path), **HEADS)
    x, sigma, y, _ = expectation(EDM, "other")
    assert model.num_classes == 3 and model.distilled
    assert not torch.equal(model.denoise(x, sigma.float(), y), model.denoise(x, sigma.float(), (y + 1) % 3))
    with pytest.raises(ValueError, match="class label"):
        model.denoise(x, sigma.float())


@pytest.mark.parametrize("steps", [1, 2])
def test_the_command_line_edits_with_it(steps, tmp_path, capsys):
    path = unpack(CD, tmp_path)
    guide, out = tmp_path / "guide.png", tmp_path / "out.png"
    Image.new("RGB", (32, 32), (90, 130, 60)).save(guide)
    options = ["--model", str(path), "--set", "num_head_channels=16", "--t0", "0.7", "--steps", str(steps)]
    assert main(["edit", str(guide), "-o", str(out), *options]) == 0
    text = capsys.readouterr().out
    assert "few_step" in text and f"{steps} evaluation" in text, text
    assert load_image(out).shape == (1, 3, 32, 32)
    assert main(["edit", str(guide), "-o", str(out), *options, "--solver", "sde_2m"]) != 0
    assert "Set solver to few_step, or to auto" in capsys.readouterr().err
    assert main(["info", str(path), "--set", "num_head_channels=16"]) == 0
    assert "consistency model: few_step" in capsys.readouterr().out
