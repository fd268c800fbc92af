"""The command line, as a user runs it."""

import subprocess
import sys

import pytest
import torch
from PIL import Image

from sdedit_core.builtin import RECOMMENDED_T0
from sdedit_core.cli.main import main
from sdedit_core.pictures.io import load_image, save_image


@pytest.fixture
def guide(tmp_path):
    """A small picture with some texture on disk."""
    coarse = torch.rand(1, 3, 6, 8, generator=torch.Generator().manual_seed(0))
    image = torch.nn.functional.interpolate(coarse, (48, 64), mode="bilinear")
    save_image(image, tmp_path / "guide.png")
    return tmp_path / "guide.png"


def edit(guide, out, *options):
    return main(["edit", str(guide), "-o", str(out), "--images", str(guide), "--steps", "3", *options])


def test_edit_writes_a_picture_of_the_guides_size_and_reports(guide, tmp_path, capsys):
    assert edit(guide, tmp_path / "out.png", "--t0", "0.4") == 0
    assert load_image(tmp_path / "out.png").shape == (1, 3, 48, 64)
    text = capsys.readouterr().out
    assert "sigma 0.65" in text and "3 evaluations" in text and "out.png" in text


def test_without_a_model_and_t0_it_is_the_one_of_all_moods_at_what_is_recommended(guide, tmp_path, capsys):
    quick = ["edit", str(guide), "--steps", "2", "-o"]
    assert main([*quick, str(tmp_path / "a.png")]) == 0
    text = capsys.readouterr().out
    assert "t0 0.27, as recommended for landscape;" in text and "t0 0.27  (sigma 0.168" in text
    assert main([*quick, str(tmp_path / "b.png"), "--model", "landscape", "--t0", "0.27"]) == 0
    assert ", as recommended" not in capsys.readouterr().out
    assert torch.equal(load_image(tmp_path / "a.png"), load_image(tmp_path / "b.png"))
    assert main([*quick, str(tmp_path / "c.png"), "--model", "landscape-night"]) == 0
    assert "t0 0.3, as recommended for landscape-night;" in capsys.readouterr().out


def test_other_models_keep_the_default_of_every_edit(guide, tmp_path, capsys):
    assert edit(guide, tmp_path / "out.png") == 0
    text = capsys.readouterr().out
    assert "t0 0.4  (" in text and ", as recommended" not in text


@pytest.mark.parametrize("options", [["--noise-share", "0.5"], ["--change", "0.1"]])
def test_a_built_in_model_is_used_as_far_as_somebody_says(guide, tmp_path, capsys, options):
    command = ["edit", str(guide), "-o", str(tmp_path / "o.png"), "--steps", "2", *options]
    assert main([*command, "--model", "landscape-lake"]) == 0
    assert ", as recommended" not in capsys.readouterr().out


def test_report_makes_the_edit_at_what_is_recommended_too(guide, capsys):
    assert main(["report", str(guide), "--steps", "2"]) == 0
    text = capsys.readouterr().out
    assert "t0 0.27, as recommended for landscape;" in text and "sigma 0.168" in text


def test_the_help_says_which_t0_is_recommended(capsys):
    with pytest.raises(SystemExit):
        main(["edit", "--help"])
    text = " ".join(capsys.readouterr().out.split())
    low, high = min(RECOMMENDED_T0.values()), max(RECOMMENDED_T0.values())
    assert f"for a built-in model, {low:g} to {high:g}; 0.4 on any other" in text
    assert "built-in name or checkpoint path (default landscape)" in text


def test_t0_zero_returns_the_guide_bit_for_bit(guide, tmp_path):
    assert edit(guide, tmp_path / "out.png", "--t0", "0") == 0
    assert torch.equal(load_image(tmp_path / "out.png"), load_image(guide))


def test_same_seed_same_file_other_seed_other_file(guide, tmp_path):
    for name, seed in (("a", "5"), ("b", "5"), ("c", "6")):
        assert edit(guide, tmp_path / f"{name}.png", "--seed", seed) == 0
    a, b, c = (load_image(tmp_path / f"{n}.png") for n in "abc")
    assert torch.equal(a, b) and not torch.equal(a, c)


def test_masked_pixels_come_back_exactly(guide, tmp_path):
    mask = Image.new("L", (64, 48), 0)
    mask.paste(255, (16, 8, 40, 40))
    mask.save(tmp_path / "mask.png")
    assert edit(guide, tmp_path / "out.png", "--mask", str(tmp_path / "mask.png"), "--t0", "0.5") == 0
    before, after = load_image(guide), load_image(tmp_path / "out.png")
    kept = torch.ones(48, 64, dtype=torch.bool)
    kept[8:40, 16:40] = False
    assert torch.equal(before[..., kept], after[..., kept])
    assert not torch.equal(before[..., ~kept], after[..., ~kept])


def test_change_takes_the_place_of_t0(guide, tmp_path, capsys):
    assert edit(guide, tmp_path / "out.png", "--change", "0.1") == 0
    line = next(line for line in capsys.readouterr().out.splitlines() if "expected RMS change" in line)
    assert float(line.split()[-1]) == pytest.approx(0.1, rel=0.05)
    t0 = line.split()[1]
    assert edit(guide, tmp_path / "same.png", "--t0", t0) == 0
    change = (load_image(tmp_path / "out.png") - load_image(guide)).square().mean().sqrt()
    again = (load_image(tmp_path / "same.png") - load_image(guide)).square().mean().sqrt()
    assert float(again) == pytest.approx(float(change), rel=0.02) and 0.05 < float(change) < 0.2


def test_batch_numbers_its_files_and_its_items_differ(guide, tmp_path):
    assert edit(guide, tmp_path / "out.png", "--batch", "2") == 0
    first, second = load_image(tmp_path / "out_00.png"), load_image(tmp_path / "out_01.png")
    assert not torch.equal(first, second)
    assert edit(guide, tmp_path / "alone.png") == 0
    assert torch.equal(load_image(tmp_path / "alone.png"), first)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (["--t0", "1.5"], "t0 must lie between 0"),
        (["--t0", "nan"], "t0 must lie between 0"),
        (["--t0", "0.4", "--change", "0.1"], "--t0 and --change both"),
        (["--change", "5"], "out of reach"),
        (["--change", "nan"], "RMS change must be"),
        (["--steps", "0"], "steps must be between 1"),
        (["--repeats", "0"], "repeats must be"),
        (["--batch", "0"], "--batch"),
        (["--size", "banana"], "--size"),
        (["--size", "4"], "--size"),
        (["--solver", "magic"], "Unknown solver 'magic'; expected one of auto"),
        (["--device", "toaster"], "--device toaster"),
        (["--device", "meta"], "--device meta"),
        (["--mask", "no-such-mask.png"], "No such image file"),
    ],
)
def test_wrong_values_give_one_clear_line_and_status_1(guide, tmp_path, capsys, options, text):
    assert edit(guide, tmp_path / "out.png", *options) == 1
    error = capsys.readouterr().err
    assert text in error and "Traceback" not in error
    assert not (tmp_path / "out.png").exists()


def test_a_mask_of_another_size_is_refused(guide, tmp_path, capsys):
    Image.new("L", (10, 10), 255).save(tmp_path / "mask.png")
    assert edit(guide, tmp_path / "out.png", "--mask", str(tmp_path / "mask.png")) == 1
    assert "10 x 10" in capsys.readouterr().err


def test_missing_and_unreadable_inputs(tmp_path, guide, capsys):
    assert main(["edit", str(tmp_path / "none.png"), "-o", str(tmp_path / "o.png")]) == 1
    assert "No such image file" in capsys.readouterr().err
    (tmp_path / "bad.png").write_text("text")
    assert main(["edit", str(tmp_path / "bad.png"), "-o", str(tmp_path / "o.png")]) == 1
    assert "cannot be read as an image" in capsys.readouterr().err
    assert main(["edit", str(guide), "-o", str(tmp_path / "o.png"), "--model", "no-such-model"]) == 1
    assert "built-in" in capsys.readouterr().err
    assert main(["edit", str(guide), "-o", str(tmp_path / "nowhere" / "o.png")]) == 1
    assert "does not exist" in capsys.readouterr().err
    assert main(["edit", str(guide), "-o", str(tmp_path / "o.docx")]) == 1
    assert "image format" in capsys.readouterr().err


def test_demo_writes_a_sheet(tmp_path, capsys):
    assert main(["demo", "-o", str(tmp_path / "sheet.png"), "--size", "48", "--steps", "2"]) == 0
    assert "sheet.png" in capsys.readouterr().out
    assert load_image(tmp_path / "sheet.png").shape[-1] > 500
    assert main(["demo", "--list"]) == 0
    assert "alpine" in capsys.readouterr().out
    assert main(["demo", "--guide", "moonbase"]) == 1


def test_info_lists_and_describes(capsys):
    assert main(["info"]) == 0
    assert "landscape-alpine" in capsys.readouterr().out
    assert main(["info", "landscape-night"]) == 0
    text = capsys.readouterr().out
    assert "VESDE" in text and "t0 -> sigma" in text and "start with t0 0.3\n" in text
    assert main(["info", "nothing"]) == 1


def test_usage_errors_have_status_2(capsys):
    for wrong in ([], ["edit"], ["paint"], ["edit", "a.png", "-o", "b.png", "--steps", "many"]):
        with pytest.raises(SystemExit) as error:
            main(wrong)
        assert error.value.code == 2


def test_module_entry_point():
    done = subprocess.run(
        [sys.executable, "-m", "sdedit_core", "--version"], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0 and done.stdout.startswith("sdedit ")


def test_a_grey_mask_is_a_lower_t0_not_a_cut(guide, tmp_path):
    for level in (255, 128):
        Image.new("L", (64, 48), level).save(tmp_path / f"mask{level}.png")
        assert edit(guide, tmp_path / f"out{level}.png", "--mask", str(tmp_path / f"mask{level}.png")) == 0
    before, full, grey = (load_image(p) for p in (guide, tmp_path / "out255.png", tmp_path / "out128.png"))
    assert 0 < float((grey - before).square().mean()) < 0.5 * float((full - before).square().mean())


def test_what_a_file_cannot_say_is_set_by_name(guide, tmp_path, capsys):
    assert edit(guide, tmp_path / "o.png", "--set", "sde=vp") == 1
    assert "--set is for checkpoint files" in capsys.readouterr().err
    options = ["edit", str(guide), "-o", str(tmp_path / "o.png"), "--steps", "2"]
    assert main([*options, "--model", "landscape-lake", "--set", "sigma_max=50"]) == 1
    assert "no override but image_size and palette_freedom, got sigma_max" in capsys.readouterr().err
    assert main([*options, "--set", "sigma_max"]) == 1
    assert "NAME=VALUE" in capsys.readouterr().err
    assert main([*options, "--model", "landscape-lake", "--set", "image_size=32"]) == 0


def test_solvers_are_listed_with_advice(capsys):
    assert main(["info", "--solvers"]) == 0
    assert "reverse_diffusion" in capsys.readouterr().out


def test_convert_refuses_what_is_no_checkpoint(guide, tmp_path, capsys):
    assert main(["convert", str(guide), "-o", str(tmp_path / "out.safetensors")]) == 1
    assert capsys.readouterr().err.startswith("sdedit: ")
    assert not (tmp_path / "out.safetensors").exists()
