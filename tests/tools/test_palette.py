"""The named colours of the Stroke Canvas are colours that the built-in models' references have."""

import re

import torch
import torch.nn.functional as F

from pack import ROOT
from sdedit_core import builtin

PALETTE = ROOT / "web" / "js" / "strokes" / "palette.js"
CELL = 8  # pixels of a reference of 256 px: about as large as what is small in them, a roof or a window
LEVELS = 12  # of 255; measured: 10.8 for a lit window, 8 for a roof, below 5 for all others


def test_a_painting_in_named_colours_is_in_the_palette_of_the_references():
    named = re.findall(r'\["(\w+)", "#([0-9a-f]{6})"\]', PALETTE.read_text(encoding="utf-8"))
    assert len(named) > 40
    cells = F.avg_pool2d(255 * builtin.references(builtin.ALL, 256), CELL).permute(0, 2, 3, 1).reshape(-1, 3)
    colours = torch.tensor([list(bytes.fromhex(colour)) for _, colour in named], dtype=torch.float32)
    apart = torch.cdist(colours, cells, compute_mode="donot_use_mm_for_euclid_dist").amin(1)
    far = {name: float(d) for (name, _), d in zip(named, apart, strict=True) if d > LEVELS}
    assert not far, "in levels of 255; measure these colours again"
