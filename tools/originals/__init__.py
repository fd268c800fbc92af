"""Networks of the original codes with random weights, and what those codes make of noise: for table.py.

The codes are not part of this repository.  A folder with clones of them under their own names is needed:
score_sde_pytorch, edm, guided-diffusion, improved-diffusion, consistency_models, denoising-diffusion-pytorch,
k-diffusion, and ``pip install diffusers ml_collections``.
"""

from __future__ import annotations

from .openai import consistency, guided, improved
from .papers import edm, score_sde
from .people import from_diffusers, kdiffusion, lucidrains

FAMILIES = (score_sde, edm, guided, improved, consistency, from_diffusers, lucidrains, kdiffusion)
