"""What the nodes say in a run: read-outs, and the messages that users meet most, which are those of the help pages.

Numbers and names are filled in: they are $1, $2, ... in a text, in the order of the English one.  What is filled in may
be such a text itself.  web/js/graph/said.js looks for these texts where they are shown.
"""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Iterable, Iterator

from pack import ROOT

HELP = ROOT / "web" / "docs"
QUOTE = re.compile(r'^\| "(.+?)" \|', re.MULTILINE)  # first cell of a help page's table of messages
READ_OUTS = (
    # Add VE Noise at t0, Sigmas from t0
    "t0 $1  ->  sigma 0  (no noise: the guide comes back)",
    "t0 $1  ->  sigma $2, noise share $3",
    "like denoise $1 of a KSampler with the scheduler simple",
    "the flow model's own noise level: $1",
    "$1 model, sigma $2 to $3",
    "mask: empty (all 0), so nothing may change and the guide will come back",
    "; Load Image gives such a 64 x 64 mask for pictures without transparency",
    "mask: all 1, so everything may change",
    "mask: $1 % of the picture may change (1 = change, 0 = keep)",
    ", $1 % is soft and starts at its own lower t0",
    ", from the latent's noise mask",
    "next: Reverse SDE Sampler. A stock sampler must not add noise of its own: SamplerCustom with Sigmas from t0 and "
    "add_noise off, or KSampler (Advanced) with add_noise disable; a plain KSampler would noise the guide again.",
    "Under the noise mask the guide is one even colour. If it comes from VAE Encode (for Inpainting), that node has "
    "painted the masked area grey and your strokes are gone: use VAE Encode, and give the mask to Add VE Noise at t0.",
    # Reverse SDE Sampler
    "t0 $1  (sigma $2, noise share $3)",
    "solver $1, $2 steps, $3 evaluations",
    ", $1 repeats",
    "RMS change from the guide: $1",
    "Stopped at sigma $1: the result still holds that noise, also in the change above.",
    "The mask is empty: nothing may change, so the guide is returned.",
    "Soft mask: every pixel starts at its own t0, stepped by auto in place of $1.",
    "Soft mask: mask_mode tilt is for hard masks and was not used.",
    "The carried guide was not used: $1",
    "Continued a noised latent without a clean guide: the change above is measured from that.",
    "The prompt has no effect: a score model does not read text.",
    # Score Model Loader, Score Model From Images
    "model: $1",
    "architecture: $1",
    "source: $1",
    "weights: $1",
    "parameters: $1",
    "process: $1",
    "native size: $1 x $2",
    "start with t0 $1",
    "width and height must be multiples of $1",
    # t0 Map
    "t0 map: $1 x $2",
    ", $1 of them",
    "$1: $2 % of the picture",
    "kept (t0 0)",
    "t0 $1, sigma $2, noise share $3",
    "soft edges between them: $1 %",
    "mask_$1 was $2 x $3 and was resized",
    # t0 Probe, t0 Sweep
    "denoise: that of a KSampler with the scheduler simple",
    "as denoise of a KSampler with the scheduler simple: $1",
    "RMS change: root mean square over what may change, in $1",
    "pixels in 0 to 1",
    "the latent's own units",
    "The expected change is for one t0 everywhere: not with a soft mask.",
    "The model is distilled: these are its results of one step, and nothing is blurred in them.",
    "$1 evaluations",
    "sweet spot: $1 (half of the realism at $2, nine tenths at $3)",
    "noise share $1, which is t0 $2",
    "; realism still falls at the end of the sweep: sweep further",
    "realism: sliced Wasserstein distance to $1; smaller is more real",
    "the built-in model's own pictures",
    "$1 reference pictures",
    "Search: put the number of the picture you like best into picks and queue again.",
    "Search: found, $1. Its neighbours are less than $2 away.",
    "Search: $1; the best lies between $2 and $3. Pick again to narrow it.",
    "Cancelled: $1 of $2 t0 values were finished.",
    # Edit Report, Fit Image to Model
    "The kept region differs from the guide. SDEdit keeps it bit for bit: was the picture resized, saved as JPEG, or "
    "decoded by a VAE?",
    "nothing to do: $1 x $2 already fits",
    "cropped to $1 x $2 at ($3, $4)",
    "resized to $1 x $2",
    "padded by $1 left, $2 top, $3 right, $4 bottom",
    "; pixels are exact",
    "the mask was $1 x $2 and was resized to the picture first",
    "this model has no size of its own",
    ", only the multiple $1",
)


@functools.cache
def sentences() -> tuple[str, ...]:
    """Every text in the source of nodes and core, what is filled in as $1, $2, ...; no docstrings, no command line."""
    found = []
    for path in (*(ROOT / "nodes").rglob("*.py"), *(ROOT / "sdedit_core").rglob("*.py")):
        if "cli" not in path.parts:
            found += _texts(ast.parse(path.read_text(encoding="utf-8")))
    return tuple(dict.fromkeys(found))


def _texts(tree: ast.AST) -> Iterator[str]:
    pieces = {id(part) for item in ast.walk(tree) if isinstance(item, ast.JoinedStr) for part in ast.walk(item)}
    alone = {id(item.value) for item in ast.walk(tree) if isinstance(item, ast.Expr)}  # docstrings
    for item in ast.walk(tree):
        if isinstance(item, ast.JoinedStr):
            yield with_places(item)
        elif isinstance(item, ast.Constant) and isinstance(item.value, str) and id(item) not in pieces | alone:
            yield item.value


def with_places(text: ast.JoinedStr) -> str:
    """An f-string with $1, $2, ... for what it fills in."""
    out, places = "", 0
    for part in text.values:
        if isinstance(part, ast.Constant):
            out += part.value
        else:
            places += 1
            out += f"${places}"
    return out


def quotes() -> list[str]:
    """What the help pages quote of messages, " ... " where something is left out."""
    pages = sorted(HELP.glob("*.md"))
    return list(dict.fromkeys(quote for page in pages for quote in QUOTE.findall(page.read_text(encoding="utf-8"))))


def quoted(quote: str, texts: Iterable[str]) -> list[str]:
    """The texts that a quote is out of."""
    return [text for text in texts if all(part in text for part in quote.split(" ... "))]


def said_texts() -> list[str]:
    """Every text that is translated: the whole messages behind the quotes, then the read-outs."""
    texts = sentences()
    messages = [text.strip() for quote in quotes() for text in quoted(quote, texts)]
    return list(dict.fromkeys([*messages, *READ_OUTS]))
