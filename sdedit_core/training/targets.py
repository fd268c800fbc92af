"""What the network is told to predict for a noised picture."""

from __future__ import annotations

import torch
from torch import Tensor


def reference_mean(noised: Tensor, sigma: Tensor, reference: Tensor) -> Tensor:
    """E[x0 | x] when x0 is one of the ``reference`` pictures, all equally likely.

    The stable target of Xu et al. (ICLR 2023), eq. 9.  When x0 was drawn from the reference this is the mean of the
    usual target x0 given x and the reference: the same network minimises the loss, with less noise in the gradient.

    Args:
        noised: x = x0 + sigma z, (B, C, H, W) float32. sigma: (B,). reference: (N, C, H, W), holds every x0.
    """
    x, y = noised.flatten(1), reference.flatten(1)
    # -|x - y|^2 / 2 without |x|^2, which is the same for all y and would only cost digits
    logits = (torch.addmm(-0.5 * y.square().sum(1), x, y.T)) / sigma.square()[:, None]
    return (torch.softmax(logits, dim=1) @ y).view_as(noised)
