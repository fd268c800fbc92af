"""What the workflows share: the SDEdit chain, prompts, the note."""

from __future__ import annotations

from .graph import Graph, Ref
from .layout import BLUE, GREEN, PURPLE, Column, arrange, column, note_height

NOTE_WIDTH = 400
NOISE_SHARE = "noise share"  # a unit of t0


def begin(name: str, words: str) -> Graph:
    """A workflow with its note; ``name`` is the file, its number is the order in the template browser."""
    g = Graph(name)
    return g.note("about", (-NOTE_WIDTH - 20, 0), (NOTE_WIDTH, note_height(words)), words)


def prefix(g: Graph) -> str:
    """Where a workflow saves its pictures."""
    return "SDEdit/" + "_".join(g.name.split(" ")[1:]).replace(",", "").lower()


def example_guide(g: Graph, name: str, *, title: str = "Strokes", **size: int) -> None:
    """Example Guide and its picture."""
    g.node("guide", "SDEdit_ExampleGuide", name=name, **size)
    g.node("shown", "PreviewImage", title=title, images=Ref("guide", 0))


def chain(
    g: Graph,
    guide: Ref,
    *,
    t0: float,
    steps: int,
    mask: Ref | None = None,
    unit: str | None = None,
    model: Ref | None = None,
    vae: Ref | None = None,
    **options: object,
) -> None:
    """Encode, noise, sample, decode and save, with both read-outs; ``options`` are the sampler's, its prompt too."""
    model, vae = model or Ref("model", 0), vae or Ref("model", 1)
    noise = ({"mask": mask} if mask else {}) | ({"unit": unit} if unit else {})
    g.node("encode", "VAEEncode", pixels=guide, vae=vae)
    g.node("noise", "SDEdit_AddVENoise", model=model, latent=Ref("encode", 0), t0=t0, seed=1, **noise)
    g.node("readout", "PreviewAny", title="t0 in words", source=Ref("noise", 2))
    sampling = {"model": model, "latent": Ref("noise", 0), "steps": steps, "seed": 1}
    g.node("sample", "SDEdit_ReverseSDESampler", **sampling, **options)
    g.node("report", "PreviewAny", title="Report", source=Ref("sample", 2))
    g.node("decode", "VAEDecode", samples=Ref("sample", 0), vae=vae)
    g.node("save", "SaveImage", title="Picture", images=Ref("decode", 0), filename_prefix=prefix(g))


def finish(g: Graph, first: str, columns: list[Column], *, after: tuple[str, ...] = (), **heights: int) -> Graph:
    """Lay out: the first group, the chain, the result (``after``: nodes between VAE Decode and the picture)."""
    sdedit = [column(320, "encode", "noise", "readout"), column(340, "sample", "report")]
    result = [column(460, "decode", *after, "save", **heights)]
    return arrange(g, (first, BLUE, columns), ("2. SDEdit", GREEN, sdedit), ("3. Result", PURPLE, result))


def prompt(g: Graph, positive: str, clip: Ref, negative: str | None = None) -> dict:
    """CLIP Text Encode, once or twice; what the sampler takes."""
    g.node("positive", "CLIPTextEncode", title="Prompt", text=positive, clip=clip)
    if negative is None:
        return {"positive": Ref("positive", 0)}
    g.node("negative", "CLIPTextEncode", title="Not this", text=negative, clip=clip)
    return {"positive": Ref("positive", 0), "negative": Ref("negative", 0)}
