"""Numbers whose products add up without rounding, so that no order of the additions changes a sum.

BLAS sums in an order that depends on its threads and on the processor.
"""

from __future__ import annotations

import torch

BITS = 20  # behind the point: products of two have 40, and float64 leaves 13 for their sum


def fixed_point(part: torch.Tensor) -> torch.Tensor:
    """Multiples of 2^-20 in float64; unchanged on MPS, which has no float64."""
    if part.device.type == "mps":
        return part
    return part.double().mul(2.0**BITS).round_().mul_(2.0**-BITS)
