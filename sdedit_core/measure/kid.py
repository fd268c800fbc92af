"""Kernel inception distance, the paper's realism metric, through torch-fidelity (an optional extra).

Binkowski et al., Demystifying MMD GANs (ICLR 2018).  The network is Inception v3 with its 2015 weights; the library
fetches them itself the first time, or they are read from a file that was fetched elsewhere.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

NO_FIDELITY = "KID needs torch-fidelity, which is not installed here. Install it with: pip install torch-fidelity"
ENDINGS = (".png", ".jpg", ".jpeg")  # what the library reads from a folder
LARGEST_SUBSET = 1000


@dataclass(frozen=True)
class Kid:
    """``mean`` over subsets in the scale of the paper's tables (not times 1000), ``std`` between subsets."""

    mean: float
    std: float
    subset: int

    def __str__(self) -> str:
        return f"KID {self.mean:.4f} (std {self.std:.4f} between subsets of {self.subset})"


def _library() -> ModuleType:
    """torch_fidelity; ValueError that says why it cannot be had."""
    try:
        import torch_fidelity
    except ImportError as error:
        if getattr(error, "name", None) in ("torch_fidelity", None):
            raise ValueError(NO_FIDELITY) from None
        raise ValueError(f"KID needs torch-fidelity, which needs {error.name}: {error}") from error
    except Exception as error:  # a torchvision that was built for another torch fails in ways of its own
        raise ValueError(
            f"torch-fidelity is installed but cannot be loaded ({error}). Its torchvision must fit this torch."
        ) from error
    return torch_fidelity


def check_kid(weights: str | os.PathLike | None = None) -> None:
    """Load the library and its network now, before hours of other work; ValueError that says what is missing.

    Args:
        weights: Inception file of torch-fidelity; None lets the library use its own copy, fetched when there is none.
    """
    library = _library()
    from torch_fidelity import feature_extractor_inceptionv3 as inception
    from torch_fidelity.utils import create_feature_extractor

    if weights is not None and not Path(weights).is_file():
        raise ValueError(f"There is no file {weights} with the Inception weights for KID.")
    url = getattr(inception, "URL_INCEPTION_V3", "")
    try:
        create_feature_extractor(
            "inception-v3-compat",
            ["2048"],
            cuda=False,
            verbose=False,
            feature_extractor_weights_path=None if weights is None else str(weights),
        )
    except OSError as error:
        raise ValueError(
            f"KID needs the Inception weights, which could not be fetched ({error}). Get {url or 'them'} on a machine "
            "with a connection and name the file with --kid-weights, or leave --kid out."
        ) from error
    except Exception as error:
        where = "the library's copy" if weights is None else str(weights)
        raise ValueError(
            f"torch-fidelity {library.__version__} cannot read the Inception weights from {where}: {error}"
        ) from error


def kernel_inception_distance(
    pictures: str | os.PathLike,
    reference: str | os.PathLike,
    *,
    device: str = "cpu",
    seed: int = 0,
    weights: str | os.PathLike | None = None,
) -> Kid:
    """KID between two folders of pictures; smaller is more real, about 0 for sets of the same kind.

    Subsets hold at most 1000 pictures and never more than the smaller folder. Unbiased at any size, but noisy below
    some hundred pictures; it can be a little below 0.
    """
    library = _library()
    folders = (Path(pictures), Path(reference))
    counts = [len([p for p in folder.iterdir() if p.suffix.lower() in ENDINGS]) for folder in folders]
    if min(counts) < 2:
        raise ValueError(f"KID needs at least two pictures on both sides, got {counts[0]} and {counts[1]}.")
    subset = min(LARGEST_SUBSET, *counts)
    try:
        found = library.calculate_metrics(
            input1=str(pictures),
            input2=str(reference),
            kid=True,
            kid_subset_size=subset,
            cuda=str(device).startswith("cuda"),
            rng_seed=seed,
            verbose=False,
            feature_extractor_weights_path=None if weights is None else str(weights),
        )
    except Exception:
        check_kid(weights)  # says what is missing, when that was the reason
        raise
    return Kid(
        mean=float(found["kernel_inception_distance_mean"]),
        std=float(found["kernel_inception_distance_std"]),
        subset=subset,
    )
