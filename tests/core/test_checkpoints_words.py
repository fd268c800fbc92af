"""What is said of a file of every family, with what can be told of it: detected, assumed, noted, and its process."""

from __future__ import annotations

from dataclasses import replace

import golden
import pytest

from sdedit_core.checkpoints import load
from sdedit_core.networks.preconditioning import EDM, IDDPM, VE, VP, Consistency, ContinuousVP, DiscreteVE, SubVP

ADM, SONG, DDPM = "guided-diffusion (ADM) checkpoint", "EDM state dict", "DDPM checkpoint (SDEdit, pesser, ddim)"
SCORE, UNET = "score-SDE checkpoint", "diffusers UNet2DModel"
ONLY = "the file's only set"
LEARNED = "learned variance (its output channels are not used)"
HEADS_64 = "64 channels a head; num_heads or num_head_channels say otherwise"
HEADS_4 = "4 heads; num_heads or num_head_channels say otherwise"
ORDER = "legacy order of q, k, v; use_new_attention_order=True selects the other"
BETAS = 'linear betas; noise_schedule="cosine" selects the other'
LEVELS = "1000 noise levels; levels says otherwise (e.g. 4000)"
RESCALED = "timesteps from 0 to 1000; rescale_timesteps=False selects one for each level"
SIZE_ADM = "native size 32, from the attention levels"
SIZE_SCORE = "native size 32: attention at 16 x 16, as in all configurations of score-SDE"
SIZE_DDPM = "native size 32: attention at 16 x 16, as in all DDPM networks"
SIZE_16, FROM_CONFIG = "native size 16, from the keys", "native size 16, from config.json"
CONFIG, ASSUMED_EDM = "configuration from config.json", 'EDM preconditioning; sde="ve" or "vp" selects the baselines\''
ZERO_TO_ONE = "pixels in [0, 1], as all VE configurations of score-SDE"
WITH_FIR = "resampling with the [1,3,3,1] filter (NCSN++): the filter has no weights; fir=False selects the other"
WITHOUT = "resampling without a filter (DDPM++): the filter has no weights; fir=True selects the other"
MAYBE_VE = 'the same keys may also mean a VE network with discrete levels; sde="ve" selects it'
FEW = "consistency model: few_step, 1 to 4 evaluations"
NO_SCHEDULER = "no scheduler_config.json: "
SIGMAS = "sigma 0.01 to {} in 1000 levels, from the file's sigmas"
LUCID = "denoising-diffusion-pytorch checkpoint (lucidrains)"
LUCID_NET, NORMALISED = "Unet of denoising-diffusion-pytorch", "pixels in [-1, 1] (its auto_normalize)"
GROUPS = "8 groups in the blocks' norms (its default)"
KD, KD_NET = "k-diffusion checkpoint (image_v1)", "image_v1 of k-diffusion"
TRAINER = "pixels in [-1, 1], as its trainer has them"
EIGHT = VP((-1.0, 1.0), beta_start=2.5e-5, beta_end=0.005, levels=4000)

# file, options -> format, architecture, which weights, gain and offset, size, noise process, detected, assumed, notes
SAID = [
    ("adm_cond.pt", {"num_head_channels": 16}, ADM, "ADM", ONLY, (1, 0), 32, VP(),
     [LEARNED, "4 classes"], [ORDER, BETAS, LEVELS, SIZE_ADM], []),
    ("adm_cond.pt", {}, ADM, "ADM", ONLY, (1, 0), 32, VP(),  # one head everywhere: the order does not matter
     [LEARNED, "4 classes"], [HEADS_64, BETAS, LEVELS, SIZE_ADM], []),
    ("adm_cond.pt", {"num_heads": 2, "use_new_attention_order": False, "noise_schedule": "cosine", "levels": 1000},
     ADM, "ADM", ONLY, (1, 0), 32, VP(beta_schedule="cosine"), [LEARNED, "4 classes"], [SIZE_ADM], []),
    ("adm_cond.pt", {"num_heads": 2, "prediction": "v", "data_range": (0.0, 1.0), "sde": "vp", "levels": 250},
     ADM, "ADM", ONLY, (2, -1), 32,
     VP((0.0, 1.0), prediction="v", beta_start=4e-4, beta_end=0.08, levels=250, label_gain=4.0),
     [LEARNED, "4 classes"], [ORDER, BETAS, RESCALED, SIZE_ADM], []),
    ("adm_cond.pt", {"sde": "vp-discrete"}, ADM, "ADM", ONLY, (1, 0), 32, VP(),
     [LEARNED, "4 classes"], [HEADS_64, BETAS, LEVELS, SIZE_ADM], []),
    ("cd_lsun.pt", {}, ADM, "ADM", ONLY, (1, 0), 32, Consistency(label_gain=250.0),
     [FEW + " (by its file name)"], [HEADS_64, SIZE_ADM], []),
    ("cd_lsun.pt", {"sde": "consistency", "num_head_channels": 16, "sigma_min": 0.01, "sigma_max": 40.0},
     ADM, "ADM", ONLY, (1, 0), 32, Consistency(sigma_min=0.01, sigma_max=40.0, label_gain=250.0),
     [FEW + " (as said)"], [SIZE_ADM], []),
    ("edm_imagenet.pt", {"num_head_channels": 16}, ADM, "ADM", ONLY, (1, 0), 32, EDM(label_gain=250.0),
     ["3 classes", "EDM network (by its file name), as consistency models are made of"], [SIZE_ADM], []),
    ("edm_imagenet.pt", {"num_heads": 1, "sde": "edm", "data_range": (0.0, 1.0), "sigma_min": 0.01, "sigma_max": 9.0},
     ADM, "ADM", ONLY, (2, -1), 32, EDM((0.0, 1.0), sigma_min=0.01, sigma_max=9.0, label_gain=250.0),
     ["3 classes", "EDM network (as said), as consistency models are made of"], [SIZE_ADM], []),
    ("improved_cond.pt", golden.OVERRIDES["improved_cond.pt"], ADM, "ADM", ONLY, (1, 0), 32,
     replace(EIGHT, beta_schedule="cosine"), [LEARNED, "3 classes"], [ORDER, SIZE_ADM], []),
    ("improved_cond.pt", {"levels": 4000}, ADM, "ADM", ONLY, (1, 0), 32, replace(EIGHT, label_gain=0.25),
     [LEARNED, "3 classes"], [HEADS_4, ORDER, BETAS, RESCALED, SIZE_ADM], []),
    ("improved_cond.pt", {"levels": 4000, "rescale_timesteps": True}, ADM, "ADM", ONLY, (1, 0), 32,
     replace(EIGHT, label_gain=0.25), [LEARNED, "3 classes"], [HEADS_4, ORDER, BETAS, SIZE_ADM], []),
    ("improved_uncond.pt", {}, ADM, "ADM", ONLY, (1, 0), 32, VP(), [], [HEADS_4, ORDER, BETAS, LEVELS, SIZE_ADM], []),
    ("ddpm.ckpt", {}, DDPM, "DDPM U-Net", ONLY, (1, 0), 32, VP(),
     [], ["1000 levels, linear betas 1e-4 to 0.02, eps prediction", "pixels in [-1, 1]", SIZE_DDPM], []),
    ("ddpm.ckpt", {"sde": "vp-discrete", "noise_schedule": "cosine", "prediction": "x0", "data_range": (0.0, 1.0)},
     DDPM, "DDPM U-Net", ONLY, (2, -1), 32, VP((0.0, 1.0), prediction="x0", beta_schedule="cosine"),
     [], ["1000 levels, cosine betas, x0 prediction", SIZE_DDPM], []),
    ("ddpm.ckpt", {"sde": "vp"}, DDPM, "DDPM U-Net", ONLY, (1, 0), 32, VP(),
     [], ["1000 levels, linear betas 1e-4 to 0.02, eps prediction", "pixels in [-1, 1]", SIZE_DDPM], []),
    ("sde_ddpm.pth", {}, SCORE, "DDPM (score-SDE)", "EMA", (1, 0), 32, VP(),
     [], [f"vp-discrete: {MAYBE_VE}", SIZE_SCORE], ["averaged over 7 updates"]),
    ("sde_ddpm.pth", {"sde": "vp", "prediction": "v", "noise_schedule": "cosine", "data_range": (0.0, 1.0)},
     SCORE, "DDPM (score-SDE)", "EMA", (2, -1), 32, VP((0.0, 1.0), prediction="v", beta_schedule="cosine"),
     [], [SIZE_SCORE], ["averaged over 7 updates"]),
    ("sde_ddpm.pth", {"sde": "ve"}, SCORE, "DDPM (score-SDE)", "EMA", (2, -1), 32,
     DiscreteVE((0.0, 1.0), sigma_min=0.01, sigma_max=50.0, levels=1000),
     [SIGMAS.format(50)], [ZERO_TO_ONE, SIZE_SCORE], ["averaged over 7 updates"]),
    ("ddpmpp_bare.pth", {}, SCORE, "NCSN++", "EMA", (1, 0), 32, ContinuousVP(),
     ["FIR resampling"], [f"vp-continuous: {MAYBE_VE}", SIZE_SCORE], ["averaged over 7 updates"]),
    ("ddpmpp_bare.pth", {"sde": "subvp", "data_range": (0.0, 1.0)}, SCORE, "NCSN++", "EMA", (2, -1), 32,
     SubVP((0.0, 1.0)), ["FIR resampling"], [SIZE_SCORE], ["averaged over 7 updates"]),
    ("ddpmpp_vp.pth", {}, SCORE, "DDPM++", "EMA", (1, 0), 32, ContinuousVP(),
     [], [WITHOUT, f"vp-continuous: {MAYBE_VE}", SIZE_SCORE], ["averaged over 0 updates"]),
    ("ddpmpp_vp.pth", {"sde": "vp", "fir": True}, SCORE, "NCSN++", "EMA", (1, 0), 32, ContinuousVP(),
     [], [SIZE_SCORE], ["averaged over 0 updates"]),
    ("ddpmpp_vp.pth", {"sde": "vp-discrete", "fir": False, "prediction": "x0"}, SCORE, "DDPM++", "EMA", (1, 0), 32,
     VP(prediction="x0"), [], [SIZE_SCORE], ["averaged over 0 updates"]),
    ("ncsnpp_cat.pth", {}, SCORE, "NCSN++", "EMA", (2, -1), 32,
     DiscreteVE((0.0, 1.0), sigma_min=0.01, sigma_max=90.0, levels=1000),
     ["VE with discrete levels (sigma_max 90 is the CelebA network's)", SIGMAS.format(90)],
     [WITH_FIR, ZERO_TO_ONE, SIZE_SCORE], ["averaged over 7 updates"]),
    ("ncsnpp_cat.pth", {"sde": "ve-discrete", "sigma_min": 0.02, "sigma_max": 80.0, "data_range": (-1.0, 1.0)}, SCORE,
     "NCSN++", "EMA", (1, 0), 32, DiscreteVE((-1.0, 1.0), sigma_min=0.02, sigma_max=80.0, levels=1000),
     [SIGMAS.format(90)], [WITH_FIR, SIZE_SCORE], ["averaged over 7 updates"]),
    ("ncsnpp_conv.pth", {}, SCORE, "NCSN++", "EMA", (2, -1), 32, VE((0.0, 1.0), sigma_min=0.01, sigma_max=348.0),
     ["resampling without FIR filter", SIGMAS.format(348)], [ZERO_TO_ONE, SIZE_SCORE], ["averaged over 7 updates"]),
    ("ncsnpp_ve.pth", {"sde": "ve", "sigma_min": 0.05, "sigma_max": 33.0}, SCORE, "NCSN++", "EMA", (2, -1), 32,
     VE((0.0, 1.0), sigma_min=0.05, sigma_max=33.0),
     [SIGMAS.format(348)], [WITH_FIR, ZERO_TO_ONE, SIZE_SCORE], ["averaged over 0 updates"]),
    ("ncsnpp_residual.pth", {}, SCORE, "NCSN++", "EMA", (2, -1), 32, VE((0.0, 1.0), sigma_min=0.01, sigma_max=50.0),
     ["FIR resampling", SIGMAS.format(50)], [ZERO_TO_ONE, SIZE_SCORE], ["averaged over 0 updates"]),
    ("edm_adm.safetensors", {}, SONG, "ADM (EDM)", ONLY, (1, 0), 16, EDM(), [SIZE_16], [ASSUMED_EDM], []),
    ("edm_adm.safetensors", {"sde": "iddpm", "data_range": (0.0, 1.0)}, SONG, "ADM (EDM)", ONLY, (2, -1), 16,
     IDDPM((0.0, 1.0)), [SIZE_16], [], []),
    ("edm_adm.safetensors", {"sde": "edm", "data_range": (0.0, 1.0)}, SONG, "ADM (EDM)", ONLY, (2, -1), 16,
     EDM((0.0, 1.0)), [SIZE_16], [], []),
    ("edm_iddpm.safetensors", {}, SONG, "ADM (EDM)", ONLY, (1, 0), 16, IDDPM(),
     [SIZE_16, "iDDPM preconditioning, from the table u"], [], []),
    ("edm_ncsnpp.safetensors", {}, SONG, "NCSN++ (EDM)", ONLY, (1, 0), 16,
     VE(sigma_min=0.02, sigma_max=100.0, label_gain=0.5),
     [SIZE_16, "training.networks.VEPrecond, from the metadata"], [], []),
    ("edm_ncsnpp.safetensors", {"sigma_min": 0.03, "sigma_max": 90.0, "data_range": (0.0, 1.0)}, SONG, "NCSN++ (EDM)",
     ONLY, (2, -1), 16, VE((0.0, 1.0), sigma_min=0.03, sigma_max=90.0, label_gain=0.5),
     [SIZE_16, "training.networks.VEPrecond, from the metadata"], [], []),
    ("edm_song.safetensors", {"sde": "edm", "sigma_min": 0.01, "sigma_max": 9.0}, SONG, "NCSN++ (EDM)", ONLY, (1, 0),
     16, EDM(sigma_min=0.01, sigma_max=9.0), [SIZE_16], [], []),
    ("edm_skip.safetensors", {"sde": "vp"}, SONG, "DDPM++ (EDM)", ONLY, (1, 0), 16, ContinuousVP(t_min=1e-5),
     [SIZE_16], [], []),
    ("edm_skip.safetensors", {"sde": "vp-continuous", "data_range": (0.0, 1.0)}, SONG, "DDPM++ (EDM)", ONLY, (2, -1),
     16, ContinuousVP((0.0, 1.0), t_min=1e-5), [SIZE_16], [], []),
    ("diffusers_adm.safetensors", {}, UNET, "UNet2DModel", ONLY, (1, 0), 16,
     VP(prediction="v", beta_schedule="cosine", levels=500),
     [CONFIG, "DDPMScheduler from scheduler_config.json", FROM_CONFIG], [], []),
    ("diffusers_adm.safetensors", {"prediction": "x0", "noise_schedule": "linear", "data_range": (0.0, 1.0)}, UNET,
     "UNet2DModel", ONLY, (1, 0), 16, VP((0.0, 1.0), prediction="x0", levels=500),
     [CONFIG, "DDPMScheduler from scheduler_config.json", FROM_CONFIG], [], []),
    ("diffusers_cm.safetensors", {}, UNET, "UNet2DModel", ONLY, (1, 0), 16, Consistency(label_gain=250.0),
     [CONFIG, "CMStochasticIterativeScheduler from scheduler_config.json", FEW, FROM_CONFIG], [], []),
    ("diffusers_ddpm.safetensors", {}, UNET, "UNet2DModel", ONLY, (1, 0), 16, VP(),
     [CONFIG, FROM_CONFIG], [NO_SCHEDULER + "linear betas, eps prediction"], []),
    ("diffusers_ddpm.safetensors", {"sde": "vp-continuous"}, UNET, "UNet2DModel", ONLY, (1, 0), 16, ContinuousVP(),
     [CONFIG, FROM_CONFIG], [NO_SCHEDULER + "linear betas, eps prediction"], []),
    ("diffusers_ddpm.safetensors", {"sde": "consistency", "sigma_min": 0.01, "sigma_max": 9.0}, UNET, "UNet2DModel",
     ONLY, (1, 0), 16, Consistency(sigma_min=0.01, sigma_max=9.0, label_gain=250.0),
     [CONFIG, FEW, FROM_CONFIG], [], []),
    ("diffusers_skip.safetensors", {}, UNET, "NCSN++ (UNet2DModel)", ONLY, (2, -1), 16,
     VE((0.0, 1.0), sigma_min=0.02, sigma_max=90.0),
     [CONFIG, "ScoreSdeVeScheduler from scheduler_config.json", FROM_CONFIG], [], []),
    ("diffusers_ncsnpp.bin", {}, UNET, "NCSN++ (UNet2DModel)", ONLY, (2, -1), 16, VE((0.0, 1.0), sigma_max=348.0),
     [CONFIG, FROM_CONFIG],
     [NO_SCHEDULER + "VE noise", "sigma_max 348, as no scheduler says it; sigma_max=380 would be another"], []),
    ("diffusers_edm.safetensors", {}, UNET, "UNet2DModel", ONLY, (1, 0), (16, 24),
     EDM(sigma_min=0.01, sigma_max=60.0, sigma_data=0.4),
     [CONFIG, "EDMEulerScheduler from scheduler_config.json", "native size 24 x 16, from config.json"], [], []),
    ("diffusers_zero.safetensors", {"noise_schedule": "linear"}, UNET, "UNet2DModel", ONLY, (1, 0), 16,
     VP(prediction="v", levels=100, zero_snr=True),
     [CONFIG, "DDIMScheduler from scheduler_config.json", "no signal at the last level (rescale_betas_zero_snr)",
      FROM_CONFIG], [], []),
    ("kdiffusion.pth", {}, KD, KD_NET, "EMA", (1, 0), 16, EDM(sigma_min=0.01, sigma_max=90.0, sigma_data=0.6162),
     ["configuration from the file", "native size, from its configuration"], [TRAINER], []),
    ("kdiffusion_slim.safetensors", {"sigma_data": 0.3, "sigma_max": 9.0, "data_range": (0.0, 1.0)}, KD, KD_NET, ONLY,
     (2, -1), (16, 32), EDM((0.0, 1.0), sigma_min=0.01, sigma_max=9.0, sigma_data=0.3),
     ["configuration from the file", "native size, from its configuration"], [], []),
    ("lucid_v.pt", {}, LUCID, LUCID_NET, "EMA", (1, 0), None,
     VP(prediction="v", beta_schedule="sigmoid", levels=400, beta_start=0.1 / 400, beta_end=20.0 / 400),
     ["release 2.3.1", "v prediction, 400 levels, sigmoid betas"], [NORMALISED], []),
    ("lucid_v.pt", {"prediction": "x0", "noise_schedule": "linear", "levels": 500, "data_range": (0.0, 1.0)}, LUCID,
     LUCID_NET, "EMA", (2, -1), None,
     VP((0.0, 1.0), prediction="x0", levels=500, beta_start=0.1 / 500, beta_end=20.0 / 500), ["release 2.3.1"], [], []),
    ("lucid_self.pt", {}, LUCID, LUCID_NET, "EMA", (1, 0), None, VP(prediction="x0", beta_schedule="cosine"),
     ["release 1.9.1", "x0 prediction, 1000 levels, cosine betas"], [GROUPS, NORMALISED],
     ["self-conditioning is given zeros, as in half of its training"]),
    ("lucid_old.pt", {}, LUCID, LUCID_NET, "EMA", (1, 0), None, VP(),
     ["release 1.6.4", "eps prediction, 1000 levels, linear betas"],
     ["4 attention heads of 32 channels; num_heads or num_head_channels say otherwise", GROUPS, NORMALISED], []),
    ("lucid_edm.pt", {}, LUCID, LUCID_NET, "EMA", (1, 0), None, EDM(),
     ["release 2.3.1", "ElucidatedDiffusion: EDM's preconditioning"],
     ["sigma 0.002 to 80, data of spread 0.5 (its defaults)", NORMALISED], []),
    ("diffusers_ncsnpp.bin", {"sde": "ve", "sigma_min": 0.02, "sigma_max": 9.0, "data_range": (-1.0, 1.0)}, UNET,
     "NCSN++ (UNet2DModel)", ONLY, (2, -1), 16, VE((-1.0, 1.0), sigma_min=0.02, sigma_max=9.0),
     [CONFIG, FROM_CONFIG], [NO_SCHEDULER + "VE noise"], []),
]  # fmt: skip


def read(name, folder, weights="ema", **options):
    """The file of a family, recognised."""
    return load.find(golden.unpack(name, folder), weights=weights, overrides=options)[0]


def close(process) -> dict:
    """Its fields, numbers to seven digits: sigmas are stored in single precision."""
    return {k: pytest.approx(v, rel=2e-7) if isinstance(v, float) else v for k, v in process.to_dict().items()}


@pytest.mark.parametrize(
    ("name", "options", "form", "architecture", "which", "affine", "size", "process", "detected", "assumed", "notes"),
    SAID,
    ids=[f"{row[0]}-{'-'.join(row[1])}" for row in SAID],
)
def test_what_is_said(
    name, options, form, architecture, which, affine, size, process, detected, assumed, notes, tmp_path
):
    found = read(name, tmp_path, **options)
    assert (found.format, found.architecture, found.which, found.size) == (form, architecture, which, size)
    assert (found.gain, found.offset) == affine
    assert found.centred == (form != UNET)
    assert found.preconditioning.to_dict() == close(process)
    assert (found.detected, found.assumed, found.notes) == (detected, assumed, notes)


def test_raw_weights_are_averaged_over_nothing(tmp_path):
    found = read("ncsnpp_ve.pth", tmp_path, weights="raw")
    assert found.notes == [] and found.which.startswith("raw")


def test_every_family_is_spoken_of():
    assert {row[0] for row in SAID} | {"edm_song.safetensors"} == set(golden.NAMES)
