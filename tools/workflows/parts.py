"""What the workflows share: notes, prompts, and SDEdit as one node, the three that the pack is named for inside."""

from __future__ import annotations

from pack import ROOT

from .graph import Graph, Ref
from .layout import arrange, column
from .subgraph import Blueprint

NOISE_SHARE = "noise share"  # a unit of t0
LIVE = "\n\n*Run (On Change)*, at the arrow beside Run, makes it live."
INSIDE = (
    "SDEdit as one node. Open it (the button in its corner) for Add VE Noise at t0, Reverse SDE Sampler and the rest."
)
EMPTY = '{"version":1,"width":512,"height":512,"background":"#ffffff","strokes":[]}'  # a canvas without strokes


def begin(name: str, words: str) -> Graph:
    """A workflow with its note; ``name`` is the file, its number is the order in the template browser."""
    g = Graph(name, extra={"sdedit_template": True})  # not opened yet; web/js/graph/notes.js
    return g.note("about", None, None, words + LIVE)


def prefix(g: Graph) -> str:
    """Where a workflow saves its pictures."""
    return "SDEdit/" + "_".join(g.name.split(" ")[1:]).replace(",", "").lower()


def save(g: Graph, images: Ref, title: str = "Picture") -> None:
    """The result, saved and shown."""
    g.node("save", "SaveImage", title=title, images=images, filename_prefix=prefix(g))


def compare(g: Graph, before: Ref) -> None:
    """Where ComfyUI has a node that compares: a slider from ``before`` to the picture that is saved."""
    ids = g.ids()
    ends = {"before": before, "after": g.nodes["save"]["inputs"]["images"]}
    g.extra["sdedit_compare"] = {name: [ids[ref.key], ref.slot] for name, ref in ends.items()} | {"save": ids["save"]}


def sample(
    g: Graph,
    guide: Ref,
    model: Ref | None,
    vae: Ref | None,
    *,
    t0: float,
    steps: int,
    mask: Ref | None = None,
    unit: str | None = None,
    **options: object,
) -> None:
    """Encode, noise, sample, decode; ``options`` are the sampler's.  None is what comes in from outside."""
    shared = {"model": model} if model else {}
    through = {"vae": vae} if vae else {}
    pixels = {"pixels": guide} if guide else {}
    noise = ({"mask": mask} if mask else {}) | ({"unit": unit} if unit else {})
    g.node("encode", "VAEEncode", **pixels, **through)
    g.node("noise", "SDEdit_AddVENoise", **shared, latent=Ref("encode", 0), t0=t0, seed=1, **noise)
    g.node("sample", "SDEdit_ReverseSDESampler", **shared, latent=Ref("noise", 0), steps=steps, seed=1, **options)
    g.node("decode", "VAEDecode", samples=Ref("sample", 0), **through)


DIALS = {
    "t0": [("noise", "t0")],
    "steps": [("sample", "steps")],
    "seed": [("noise", "seed"), ("sample", "seed")],
}
READINGS = {"read-out": Ref("noise", 2), "report": Ref("sample", 2)}


def landscape(g: Graph, mood: str | None, *, t0: float, steps: int, grow: int | None = None) -> Blueprint:
    """SDEdit with a built-in model, None for that of all moods; ``grow``: with a mask, widened by pixels."""
    name = "landscape" if mood is None else f"landscape-{mood}"
    inner = Graph("SDEdit").node("model", "SDEdit_ScoreModelLoader", model_name=name)
    sockets, widgets, masks, mask = {"image": [("encode", "pixels")]}, {}, [], None
    if grow is not None:
        inner.node("grow", "GrowMask", expand=grow)
        sockets["mask"], masks, mask = [("grow", "mask")], ["grow"], Ref("grow", 0)
        widgets["grow mask"] = [("grow", "expand")]
    sample(inner, None, Ref("model", 0), Ref("model", 1), t0=t0, steps=steps, mask=mask)
    arrange(
        inner,
        column(340, "model"),
        column(320, *masks, "encode", "noise"),
        column(340, "sample"),
        column(220, "decode"),
    )
    dials = {"model": [("model", "model_name")], **DIALS, **widgets}
    outputs = {"image": Ref("decode", 0), **READINGS}
    return Blueprint("SDEdit", INSIDE, inner, sockets, dials, outputs, place=g.name)


def around_mask(g: Graph, mood: str, *, t0: float, steps: int, feather: int) -> Blueprint:
    """SDEdit with a built-in model in a window around the mask, which fades out over ``feather`` pixels around it."""
    inner = Graph("SDEdit").node("model", "SDEdit_ScoreModelLoader", model_name=f"landscape-{mood}")
    inner.node("map", "SDEdit_T0Map", t0_1=t0, feather=feather)
    inner.node("fit", "SDEdit_FitImage", model=Ref("model", 0), mask=Ref("map", 0), method="around mask")
    sample(inner, Ref("fit", 0), Ref("model", 0), Ref("model", 1), t0=t0, steps=steps, mask=Ref("fit", 1))
    inner.node("unfit", "SDEdit_UnfitImage", image=Ref("decode", 0), undo=Ref("fit", 2))
    first, middle = column(340, "model", "map"), column(320, "fit", "encode", "noise")
    arrange(inner, first, middle, column(340, "sample"), column(240, "decode", "unfit"))
    sockets = {"image": [("fit", "image")], "mask": [("map", "mask_1")]}
    dials = {"model": [("model", "model_name")], **DIALS, "feather": [("map", "feather")]}
    dials["t0"] = [("map", "t0_1"), ("noise", "t0")]
    return Blueprint("SDEdit", INSIDE, inner, sockets, dials, {"image": Ref("unfit", 0), **READINGS}, place=g.name)


def any_model(g: Graph, *, t0: float, steps: int, negative: bool, grow: int, **options: object) -> Blueprint:
    """SDEdit with a MODEL and a prompt: the mask is widened, and the old pixels are put back around it."""
    inner = Graph("SDEdit").node("grow", "GrowMask", expand=grow)
    sample(inner, None, None, None, t0=t0, steps=steps, mask=Ref("grow", 0), **options)
    pasting = {"source": Ref("decode", 0), "mask": Ref("grow", 0)}
    inner.node("paste", "ImageCompositeMasked", title="Old pixels back", **pasting)
    arrange(inner, column(320, "grow", "encode", "noise"), column(340, "sample"), column(240, "decode", "paste"))
    sockets = {
        "image": [("encode", "pixels"), ("paste", "destination")],
        "mask": [("grow", "mask")],
        "model": [("noise", "model"), ("sample", "model")],
        "vae": [("encode", "vae"), ("decode", "vae")],
        "positive": [("sample", "positive")],
    }
    sockets |= {"negative": [("sample", "negative")]} if negative else {}
    dials = {**DIALS, "cfg": [("sample", "cfg")], "grow mask": [("grow", "expand")]}
    return Blueprint("SDEdit", INSIDE, inner, sockets, dials, {"image": Ref("paste", 0), **READINGS}, place=g.name)


def example(g: Graph, name: str, *, slot: int = 0, title: str = "Example", strokes: str = EMPTY, **size: int) -> None:
    """Example Guide, collapsed, and a canvas on it, which shows its picture before the first run."""
    g.node("guide", "SDEdit_ExampleGuide", title=title, name=name, **size)
    g.collapsed.add("guide")
    g.node("canvas", "SDEdit_StrokeCanvas", **size, strokes=strokes, background=Ref("guide", slot))


def drawing(name: str) -> str:
    """The stroke document of an example: a painting, or "edit-..." for the strokes on a photo."""
    folder = "examples" if name.startswith("edit-") else "guides"
    return (ROOT / "sdedit_core" / "builtin" / folder / f"{name}.json").read_text(encoding="utf-8").strip()


def prompt(g: Graph, positive: str, clip: Ref, negative: str | None = None) -> dict:
    """CLIP Text Encode, once or twice; what the sampler takes."""
    g.node("positive", "CLIPTextEncode", title="Prompt", text=positive, clip=clip)
    if negative is None:
        return {"positive": Ref("positive", 0)}
    g.node("negative", "CLIPTextEncode", title="Not this", text=negative, clip=clip)
    return {"positive": Ref("positive", 0), "negative": Ref("negative", 0)}
