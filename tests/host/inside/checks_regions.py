"""t0 Map, and a window around the mask with its way back: every pixel that may not change, and masks for frames."""

import torch
from checks import add_noise, formats, guide, host, model, node, sample

KEPT = 0.0


def lay(mask, t0=0.5, **more):
    return node("T0Map", **{"mask_1": mask, "t0_1": t0, "base_t0": 0.0, "feather": 0, "feather_side": "out", **more})


def shrunk(picture):
    """What a VAE does, and worse: a picture of eighths of the size and back, in other colours."""
    small = torch.nn.functional.avg_pool2d(picture.movedim(-1, 1), 8)
    back = torch.nn.functional.interpolate(small, scale_factor=8, mode="bilinear")
    return (0.9 * back.movedim(1, -1) + torch.tensor([0.06, 0.0, 0.03])).clamp(0.0, 1.0)


def check_pixels_that_may_not_change_are_the_photos_own():
    """Sizes, places of the mask, batches, methods; numbers of 8 and of 16 bits."""
    generator = torch.Generator().manual_seed(0)
    m = model("eps")
    for steps in (255, 65535):
        for size, box in (((91, 133), (20, 40, 50, 71)), ((64, 64), (0, 64, 0, 64)), ((77, 50), (70, 77, 0, 9))):
            image = torch.randint(0, steps + 1, (2, *size, 3), generator=generator) / steps
            soft = torch.zeros(1, *size)
            soft[:, box[0] : box[1], box[2] : box[3]] = 1.0
            mask = lay(soft, feather=5, feather_side="in", image=image)[0]
            for method in ("around mask", "crop", "pad", "stretch"):
                for more in ({"size": "nearest"}, {"crop_size": 128}):
                    fitted, _, undo, _ = node("FitImage", model=m, image=image, method=method, mask=mask, **more)
                    for feather, match in ((0, False), (6, True)):
                        paste = {"feather": feather, "colour_match": match}
                        back = node("UnfitImage", image=shrunk(fitted), undo=undo, **paste)[0]
                        kept = (mask == KEPT)[..., None].expand_as(image)
                        assert torch.equal(back[kept], image[kept]), (steps, size, method, more, feather)
                        if method == "around mask":
                            assert bool((back[~kept] != image[~kept]).float().mean() > 0.4)


def check_the_whole_route_keeps_numbers_of_16_bits():
    """Fitted, encoded, edited, decoded and pasted, with a model of pixels that ships."""
    m, vae, _, empty = node("ScoreModelLoader", model_name="landscape-lake", weights="ema", dtype="auto")
    generator = torch.Generator().manual_seed(1)
    image = torch.randint(0, 65536, (2, 91, 133, 3), generator=generator) / 65535
    opened = torch.zeros(1, 91, 133)
    opened[:, 30:60, 40:80] = 1.0
    mask, t0, *_ = lay(opened, 0.3, feather=5, feather_side="in", image=image)
    fitted, small, undo, _ = node("FitImage", model=m, image=image, method="around mask", mask=mask)
    noised = add_noise(m, vae.encode(fitted), t0=t0, mask=small)[0]
    edited = sample(m, noised, steps=3, positive=empty)[0]
    back = node("UnfitImage", image=vae.decode(edited["samples"]), undo=undo)[0]
    kept = (mask == KEPT)[..., None].expand_as(image)
    assert torch.equal(back[kept], image[kept]) and bool((back[~kept] != image[~kept]).float().mean() > 0.9)


def check_the_model_says_how_large_a_window_is_worked_at():
    image, mask = torch.rand(1, 300, 400, 3), torch.zeros(1, 300, 400)
    mask[:, 100:140, 150:190] = 1.0
    sides = {formats.SD15: 512, formats.SDXL: 1024, formats.SD3: 1024, formats.HunyuanVideo: 1024}
    for form, side in sides.items():
        fitted = node("FitImage", model=model("eps", form()), image=image, method="around mask", mask=mask)
        assert fitted[0].shape == (1, side, side, 3), (form, fitted[0].shape)
    video = model("flow", formats.HunyuanVideo())
    video.model.model_config.unet_config = {"image_model": "hunyuan_video"}
    assert host.usual_side(video) == 640


def check_a_map_for_every_frame_of_a_video_is_exact():
    m, g = model("flow", formats.HunyuanVideo()), guide(2, 16, 3, 8, 8)
    frames = torch.zeros(3, 8, 8)
    frames[1], frames[2, :4] = 1.0, 0.5
    mask, t0, heat, _ = lay(frames, 0.6)
    assert torch.equal(mask, frames) and t0 == 0.6 and heat.shape[0] == 3
    latent = add_noise(m, g, t0=t0, mask=mask)[0]
    out = sample(m, latent)[0]["samples"]
    moved = (out != g).flatten(0, 1).any(0)
    assert torch.equal(moved, frames > 0.0), "kept frames and pixels bit for bit"
    alone = sample(m, add_noise(m, g, t0=t0, mask=frames[None, None].expand(2, 1, 3, 8, 8))[0])[0]["samples"]
    assert torch.equal(alone, out), "as with a mask of all five axes"
    pictures = frames[[0, 1, 1, 1, 1, 2, 2, 2, 2]].clone()
    pictures[2:5] = 0.0  # of the four pictures of a frame one may change
    pictures[6:] *= 0.5
    noised = add_noise(m, g, t0=t0, mask=lay(pictures, 0.6)[0])[0]
    assert torch.equal(noised["noise_mask"][:, 0], frames)
    assert torch.equal(sample(m, noised)[0]["samples"], out), "nine pictures of three latent frames"


def check_a_map_starts_every_pixel_at_its_own_t0():
    m, g = model("eps"), guide(2, 4, 16, 16)
    left, right = torch.zeros(1, 16, 16), torch.zeros(1, 16, 16)
    left[..., :8], right[..., 8:12] = 1.0, 1.0
    regions = {"mask_2": right, "t0_2": 0.25}
    mask, t0, _, info = lay(left, model=m, **regions)
    assert t0 == 0.5 and mask[0, 0].tolist() == [1.0] * 8 + [0.5] * 4 + [0.0] * 4 and "sigma" in info
    out = sample(m, add_noise(m, g, t0=t0, mask=mask)[0])[0]["samples"]
    assert torch.equal(out[..., 12:], g[..., 12:]) and bool((out[..., :12] != g[..., :12]).all())
    share, top, _, _ = lay(left, 0.6, model=m, unit="noise share", **{**regions, "t0_2": 0.3})
    schedule = host.model_schedule(m)
    times = {value: schedule.t(value / (1.0 - value)) for value in (0.6, 0.3)}
    assert abs(top - 0.6) < 1e-6 and abs(float(share[0, 0, 9]) - times[0.3] / times[0.6]) < 1e-5
    _, by_share, _ = add_noise(m, g, t0=top, mask=share, unit="noise share")
    _, by_time, _ = add_noise(m, g, t0=times[0.6], mask=share)
    assert abs(by_share - by_time) < 1e-4
