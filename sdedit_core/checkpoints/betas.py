"""Tables of betas that a file or a configuration holds, as the discrete VP process that they stand for."""

from __future__ import annotations

import torch
from torch import Tensor

from ..networks.preconditioning import LARGEST_BETA, MAX_BETAS, VP
from ..sde import beta_table

_NAMES = ("linear", "scaled_linear", "cosine", "sigmoid")


def named_table(betas: Tensor, **options) -> VP:
    """The process with these betas: under its name where it has one (to float32's precision), else by its numbers.

    Args:
        betas: (N,), N from 2 to 20,000, each from 0 to 1; the last may be 1 (no signal is left at the end).
        **options: further fields of :class:`VP`.

    Raises:
        ValueError: other numbers.
    """
    if betas.dim() != 1 or not betas.is_floating_point():
        raise ValueError(f"its table of betas is no list of numbers: {tuple(betas.shape)} {betas.dtype}.")
    table = betas.detach().double()
    if not 2 <= table.numel() <= MAX_BETAS:
        raise ValueError(f"it has a table of {table.numel():,} noise levels; 2 to {MAX_BETAS:,} are read.")
    if not bool(((table > 0) & (table <= 1)).all()) or bool((table[:-1] == 1).any()):
        raise ValueError("its table of betas holds numbers that are not between 0 and 1.")
    if table[-1] == 1:
        table[-1] = LARGEST_BETA
    levels, start, end = table.numel(), float(table[0]), float(table[-1])
    for name in _NAMES:
        # the usual ends, as float32 rounded them
        ends = [(s, e) for s, e in ((0.1 / levels, 20.0 / levels), (1e-4, 0.02), (start, end)) if e < 1]
        for low, high in ends:
            if torch.allclose(beta_table(name, levels, low, high), table, rtol=2e-5, atol=2e-7):
                return VP(beta_schedule=name, levels=levels, beta_start=low, beta_end=high, **options)
    return VP(beta_schedule="table", levels=levels, betas=tuple(table.tolist()), **options)
