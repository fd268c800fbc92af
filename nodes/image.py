"""IMAGE of ComfyUI and pictures of the core, and the sheets that nodes show."""

from __future__ import annotations

import io
import textwrap

import torch
from einops import rearrange
from PIL import Image, ImageDraw, ImageFont

from .schema import is_plain

ACROSS = 6  # pictures in a row of a sheet
BRIGHT = 4.0  # half of a picture above this is no highlight of an HDR picture: its values run to 255 or so


def check_image(image: torch.Tensor, where: str, what: str = "image") -> torch.Tensor:
    """An IMAGE as float32 (B, H, W, 3) on the CPU, alpha dropped and grey made RGB; ValueError when unusable."""
    _check_pictures(image, where, what)
    image = image.detach().to(device="cpu", dtype=torch.float32)
    if image.shape[-1] == 1:
        image = image.expand(*image.shape[:3], 3)
    if image.shape[-1] not in (3, 4):
        raise ValueError(f"{where} needs {what} with 3 colour channels, got {image.shape[-1]}.")
    if not bool(torch.isfinite(image).all()):
        raise ValueError(f"{where}: the {what} has NaN or infinite values. Look at the node it comes from.")
    return image[..., :3].clamp(0.0, 1.0)


def _check_pictures(image: object, where: str, what: str) -> None:
    """ValueError unless it is a batch of pictures of numbers around 0 to 1."""
    if not is_plain(image) or image.ndim != 4 or 0 in image.shape:
        shape = tuple(image.shape) if is_plain(image) else type(image).__name__
        raise ValueError(f"{where} needs at least one picture as {what} (batch, height, width, 3), got {shape}.")
    if not image.is_floating_point():
        raise ValueError(
            f"{where}: the {what} holds {str(image.dtype).removeprefix('torch.')} numbers, expected decimal ones from "
            "0 to 1. The node it comes from is at fault: it has to divide by the largest value."
        )
    if float(image.detach()[:, ::16, ::16].float().nanmedian()) > BRIGHT:  # a few pixels tell
        raise ValueError(
            f"{where}: the {what}'s values go up to {float(image.max()):.4g}, expected 0 to 1. The node it comes from "
            "is at fault: it has to divide by the largest value."
        )


def to_core(image: torch.Tensor) -> torch.Tensor:
    """IMAGE (B,H,W,3) -> (B,3,H,W)."""
    return rearrange(image, "b h w c -> b c h w").contiguous()


def to_image(pictures: torch.Tensor) -> torch.Tensor:
    """(B,3,H,W) -> IMAGE (B,H,W,3)."""
    return rearrange(pictures, "b c h w -> b h w c").contiguous()


def same_size(where: str, one: torch.Tensor, other: torch.Tensor, names: tuple[str, str]) -> tuple:
    """Both as (B,3,H,W) with one batch size; ValueError when they cannot be laid on one another."""
    one, other = (to_core(check_image(x, where, n)) for x, n in zip((one, other), names, strict=True))
    if one.shape[-2:] != other.shape[-2:]:
        raise ValueError(
            f"{where}: {names[0]} is {one.shape[-1]} x {one.shape[-2]} px, {names[1]} is {other.shape[-1]} x "
            f"{other.shape[-2]}. Bring them to one size (Upscale Image); a VAE crops to multiples of 8."
        )
    count = max(one.shape[0], other.shape[0])
    if {one.shape[0], other.shape[0]} - {1, count}:
        raise ValueError(
            f"{where}: {names[0]} has {one.shape[0]} pictures, {names[1]} has {other.shape[0]}. Connect batches of one "
            "size, or a single picture on one side."
        )
    return one.expand(count, -1, -1, -1), other.expand(count, -1, -1, -1)


def untouched_to_core(image: torch.Tensor, where: str, what: str) -> torch.Tensor:
    """IMAGE (B, H, W, 3) -> (B, 3, H, W), values untouched; ValueError for anything else."""
    from ..sdedit_core.pictures.check import check_picture

    _check_pictures(image, where, what)
    picture = image.detach().movedim(-1, 1)
    check_picture(picture, f"{what} of {where}")
    return picture


def untouched_to_image(picture: torch.Tensor, before: torch.Tensor, image: torch.Tensor) -> torch.Tensor:
    """(B, 3, H, W) -> IMAGE; the very IMAGE that came in when nothing was done to it."""
    return image if picture is before else picture.movedim(1, -1).contiguous()


def sheet(guide: torch.Tensor, pictures: list[torch.Tensor], labels: list[str], title: str) -> torch.Tensor:
    """Labelled IMAGE: the guide and its pictures; of a batch every item has its own row."""
    from ..sdedit_core.pictures.io import from_pil
    from ..sdedit_core.pictures.sheet import contact_sheet

    count, names = len(pictures) + 1, ["guide", *labels]
    if guide.shape[0] == 1:
        columns = -(-count // -(-count // ACROSS))
    else:
        columns = count
    cells = [batch[i : i + 1] for i in range(guide.shape[0]) for batch in (guide, *pictures)]
    return to_image(from_pil(contact_sheet(cells, names * guide.shape[0], columns=columns, title=title)))


def jpeg(picture: torch.Tensor) -> bytes:
    """The first picture of (B, 3, H, W) as a JPEG file."""
    from ..sdedit_core.pictures.io import to_pil

    data = io.BytesIO()
    to_pil(picture[:1]).save(data, "JPEG", quality=92)
    return data.getvalue()


def card(text: str, width: int = 1100, height: int = 480) -> Image.Image:
    """A sentence where a picture should have been."""
    image = Image.new("RGB", (width, height), (24, 24, 27))
    font = ImageFont.load_default(size=26)
    ImageDraw.Draw(image).multiline_text((40, 40), textwrap.fill(text, 72), font=font, fill=(228, 228, 231), spacing=12)
    return image
