"""Kernel inception distance, the paper's realism metric, through torch-fidelity (an optional extra).

Binkowski et al., Demystifying MMD GANs (ICLR 2018).  The library fetches the Inception weights itself the first time
it runs, so the first run needs a network connection.
"""

from __future__ import annotations

import os
from pathlib import Path

NO_FIDELITY = "KID needs torch-fidelity, which is not installed here. Install it with: pip install torch-fidelity"


def check_kid() -> None:
    """ValueError that says what to install when KID cannot be computed here."""
    try:
        import torch_fidelity  # noqa: F401
    except ImportError:
        raise ValueError(NO_FIDELITY) from None


def kernel_inception_distance(
    pictures: str | os.PathLike, reference: str | os.PathLike, *, device: str = "cpu", seed: int = 0
) -> float:
    """KID between two folders of pictures, in the scale of the paper's tables (not times 1000); smaller is more real.

    Subsets hold at most 1000 pictures and never more than the smaller folder.
    """
    check_kid()
    import torch_fidelity

    counts = [len([p for p in Path(folder).iterdir() if p.is_file()]) for folder in (pictures, reference)]
    if min(counts) < 2:
        raise ValueError(f"KID needs at least two pictures on both sides, got {counts[0]} and {counts[1]}.")
    found = torch_fidelity.calculate_metrics(
        input1=str(pictures),
        input2=str(reference),
        kid=True,
        kid_subset_size=min(1000, *counts),
        cuda=str(device).startswith("cuda"),
        rng_seed=seed,
        verbose=False,
    )
    return float(found["kernel_inception_distance_mean"])
