"""What both nodes that make score models give: MODEL, VAE, info and an empty conditioning."""

from __future__ import annotations

OUTPUTS = (
    (
        "MODEL",
        "model",
        "The score model as an ordinary MODEL: for Add VE Noise at t0 and Reverse SDE Sampler, and for every stock "
        "sampler as well.",
    ),
    ("VAE", "vae", "Pixel VAE: turns an IMAGE into the LATENT this model works on and back, without loss."),
    (
        "STRING",
        "info",
        "What was loaded, what was read from it and what had to be assumed. Connect Preview as Text to read it.",
    ),
    (
        "CONDITIONING",
        "empty conditioning",
        "For stock samplers on this score model, which insist on positive and negative. Our own sampler needs "
        "none; a model made for text needs CLIP Text Encode.",
    ),
)


def loaded(model: object, label: int | None = None) -> tuple:
    """MODEL, VAE, info, empty conditioning of a score model."""
    from ..sdedit_core.builtin import recommended_t0
    from . import host

    if model.prior is not None:
        model.prior.tick = host.check_interrupt
    if model.channels != 3:
        raise ValueError(f"This model works on {model.channels} channels; the nodes work on RGB pictures only.")
    info = model.info.lines() + [f"process: {model.schedule!r}"]
    if model.size:
        info.append(f"native size: {model.size[1]} x {model.size[0]}")
    if model.size_multiple > 1:
        info.append(f"width and height must be multiples of {model.size_multiple}")
    start = recommended_t0(model.info.name)
    if start is not None:
        info.append(f"start with t0 {start:g}")
    return host.as_model(model, label), host.PixelVAE(), "\n".join(info), host.empty_conditioning(label)
