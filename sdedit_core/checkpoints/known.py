"""Facts about public checkpoints that their files do not hold, or hold wrongly."""

from __future__ import annotations

import re
from dataclasses import replace

from ..networks import ddpm, ncsnpp
from ..networks.preconditioning import VE
from .found import Found
from .overrides import Overrides

# sigma_max of the training configurations (score_sde_pytorch, configs/ve); all four networks have the same shapes
NCSNPP_256 = {"church": 380.0, "bedroom": 378.0, "ffhq": 348.0, "celeba": 348.0}


def shapes() -> dict[str, object]:
    """Known networks by their description; equality is the fingerprint."""
    cifar = {"ch_mult": (1, 2, 2, 2), "attention_levels": (1,), "skips": False}
    return {
        "NCSN++ 256 (LSUN church or bedroom, CelebA-HQ, FFHQ)": ncsnpp(),
        "NCSN++ 1024 (FFHQ)": ncsnpp(nf=16, ch_mult=(1, 2, 4, 8, 16, 32, 32, 32), blocks=1, attention_levels=(6,)),
        "NCSN++ CIFAR-10": ncsnpp(blocks=4, residual_input=True, **cifar),
        "NCSN++ deep CIFAR-10": ncsnpp(blocks=8, residual_input=True, **cifar),
        "DDPM++ CIFAR-10": ncsnpp(blocks=4, fourier=False, fir=False, **cifar),
        "DDPM++ deep CIFAR-10": ncsnpp(blocks=8, fourier=False, fir=False, **cifar),
        "DDPM 256 (LSUN, CelebA-HQ)": ddpm(),
    }


def apply(found: Found, hints: str, options: Overrides, *, from_scheduler: bool) -> None:
    """Name the network and correct known wrong values.

    Args:
        found: changed in place.
        hints: file and folder names, ``_name_or_path``.
        from_scheduler: sigma_max comes from a scheduler_config.json, or is a guess (a .pth says it itself).
    """
    name = next((n for n, spec in shapes().items() if spec == found.spec), None)
    if name is None:
        return
    known = f"known network: {name}"
    if known not in found.detected:  # a converted file says it already
        found.detected.append(known)
    p = found.preconditioning
    if not (name.startswith("NCSN++ 256") and isinstance(p, VE) and from_scheduler and options.sigma_max is None):
        return
    data = next((d for d in NCSNPP_256 if re.search(d, hints.lower())), None)
    if data is not None and p.sigma_max != NCSNPP_256[data]:
        right = NCSNPP_256[data]
        found.notes.append(
            f"sigma_max corrected from {p.sigma_max:g} to {right:g}, the value the {data} network was trained with; "
            f"sigma_max={p.sigma_max:g} keeps the file's"
        )
        found.preconditioning = replace(p, sigma_max=right)
    elif data is None:
        found.notes.append(
            f"sigma_max is {p.sigma_max:g} here; the networks of this shape were trained with 380 (church), "
            "378 (bedroom) or 348 (FFHQ, CelebA-HQ): set sigma_max if the file is one of those"
        )
