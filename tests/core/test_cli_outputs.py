"""What the command line checks before its work, and that no picture is lost to what comes after it."""

import io
import lzma
import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from sdedit_core.cli import common
from sdedit_core.cli.main import main
from sdedit_core.pictures import files
from sdedit_core.pictures.files import check_folder, check_target, picture_format, replace_file, write_file
from sdedit_core.pictures.io import load_image, save_image
from sdedit_core.sampling.options import OPTIONS, check_options
from sdedit_core.sde import check_t0


@pytest.fixture
def guide(tmp_path):
    save_image(torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(0)), tmp_path / "guide.png")
    return tmp_path / "guide.png"


@pytest.fixture
def no_work(monkeypatch):
    """Commands that load a model or make strokes fail with a word of their own."""

    def fail(*args, **options):
        raise ValueError("the work was begun")

    import_module("sdedit_core.measure.protocol")  # what is imported for the first time now would keep the fake one
    for name in ("sdedit_core.load.load_score_model", "sdedit_core.load.score_model_from_images"):
        monkeypatch.setattr(name, fail)
    monkeypatch.setattr("sdedit_core.pictures.strokes.simulate_strokes", fail)
    monkeypatch.setattr("sdedit_core.pictures.strokes.difference_mask", fail)


def commands(guide, out):
    """Every command that writes a picture, with ``out`` as that picture."""
    model = ["--images", str(guide), "--steps", "2"]
    yield ["edit", str(guide), "-o", str(out), *model]
    yield ["edit", str(guide), "-o", str(out.with_name("good.png")), "--batch", "1", *model, "-o", str(out)]
    yield ["sweep", str(guide), "-o", str(out), *model]
    yield ["sweep", str(guide), "-o", str(out.with_name("good.png")), "--plot", str(out), *model]
    yield ["report", str(guide), "-o", str(out), *model]
    yield ["report", str(guide), "--heat-map", str(out), *model]
    yield ["strokes", str(guide), "-o", str(out)]
    yield ["mask", str(guide), str(guide), "-o", str(out)]


NAMES = ["o.psd", "o.ico", "o.icns", "o.xbm", "o.docx", "o", "nowhere/o.png", "n" * 252 + ".png"]


@pytest.mark.parametrize("name", NAMES)
def test_a_target_that_cannot_be_written_is_told_before_the_work(guide, no_work, capsys, name):
    before = sorted(guide.parent.iterdir())
    for command in [*commands(guide, guide.parent / name), ["demo", "-o", str(guide.parent / name)]]:
        assert main(command) == 1
        error = capsys.readouterr().err
        assert error.count("\n") == 1 and "the work was begun" not in error, error
    assert sorted(guide.parent.iterdir()) == before


def test_a_file_that_is_read_is_replaced_only_when_told_to(guide, no_work, capsys):
    content = guide.read_bytes()
    (guide.parent / "link.png").symlink_to(guide)
    for out in (guide, guide.parent / "link.png", guide.parent / "." / ".." / guide.parent.name / "guide.png"):
        for command in commands(guide, out):
            assert main(command) == 1
            assert "--overwrite" in capsys.readouterr().err
            assert main([*command, "--overwrite"]) == 1
            assert "the work was begun" in capsys.readouterr().err
    assert guide.read_bytes() == content


def test_a_mask_is_not_replaced_either_and_numbered_files_count(guide, no_work, capsys):
    Image.new("L", (32, 32), 255).save(guide.parent / "m_01.png")
    command = ["edit", str(guide), "-o", str(guide.parent / "m.png"), "--mask", str(guide.parent / "m_01.png")]
    assert main([*command, "--batch", "2"]) == 1 and "is also read" in capsys.readouterr().err
    assert main(command) == 1 and "the work was begun" in capsys.readouterr().err
    (guide.parent / "t0-0.3.png").write_bytes(guide.read_bytes())
    command = ["sweep", str(guide.parent / "t0-0.3.png"), "-o", str(guide.parent / "s.png"), "--t0", "0.3,0.5"]
    assert main([*command, "--pictures", str(guide.parent)]) == 1 and "is also read" in capsys.readouterr().err


def test_an_evaluation_does_not_write_into_what_it_reads(guide, no_work, capsys):
    (guide.parent / "guides").mkdir()
    (guide.parent / "guides/p.png").write_bytes(guide.read_bytes())
    command = ["evaluate", str(guide.parent / "guides"), "--reference", str(guide.parent), "-o", str(guide.parent)]
    assert main(command) == 1 and "choose another output folder" in capsys.readouterr().err
    (guide.parent / "out/sheet.png").mkdir(parents=True)
    assert main([*command[:-1], str(guide.parent / "out")]) == 1 and "sheet.png is a folder" in capsys.readouterr().err


def test_two_results_cannot_share_a_file(guide, no_work, capsys):
    same = str(guide.parent / "a.png")
    assert main(["sweep", str(guide), "-o", same, "--plot", same]) == 1
    assert "given twice" in capsys.readouterr().err


def test_overwrite_replaces_the_guide(guide):
    command = ["edit", str(guide), "-o", str(guide), "--images", str(guide), "--steps", "2", "--t0", "0.6"]
    before = load_image(guide)
    assert main([*command, "--overwrite"]) == 0 and not torch.equal(load_image(guide), before)


def test_a_link_stays_a_link_and_its_file_is_written(guide, tmp_path):
    (tmp_path / "store").mkdir()
    (tmp_path / "out.png").symlink_to(tmp_path / "store" / "real.png")
    save_image(load_image(guide), tmp_path / "out.png")
    assert (tmp_path / "out.png").is_symlink() and (tmp_path / "store/real.png").is_file()
    (tmp_path / "loop.png").symlink_to(tmp_path / "loop.png")
    (tmp_path / "lost.png").symlink_to(tmp_path / "nowhere" / "real.png")
    for name in ("loop.png", "lost.png"):
        with pytest.raises(ValueError, match=r"link|does not exist|cannot be written"):
            check_target(tmp_path / name)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no FIFOs here")
def test_what_is_no_regular_file_is_no_target(tmp_path):
    os.mkfifo(tmp_path / "pipe.png")
    with pytest.raises(ValueError, match="no regular file"):
        check_target(tmp_path / "pipe.png")


def test_a_folder_without_the_right_to_write_is_told_before_the_work(guide, no_work, monkeypatch, capsys):
    def refuse(**options):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(files.tempfile, "mkstemp", refuse)
    out = ["-o", str(guide.parent / "o.png")]
    evaluate = ["evaluate", str(guide.parent), "--reference", str(guide.parent), "-o", str(guide.parent / "new/deep")]
    train = ["train", str(guide.parent), "-o", str(guide.parent / "m.safetensors")]
    convert = ["convert", str(guide), "-o", str(guide.parent / "m.safetensors")]
    for command in (*commands(guide, guide.parent / "o.png"), ["demo", *out], evaluate, train, convert):
        assert main(command) == 1
        assert "cannot be written to: Permission denied" in capsys.readouterr().err


def test_a_clean_up_that_fails_hides_no_error(tmp_path, monkeypatch):
    def fail(part):
        raise OSError(28, "No space left on device")

    def refuse(self, missing_ok=False):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "unlink", refuse)
    with pytest.raises(ValueError, match="No space left"):
        replace_file(tmp_path / "a.txt", fail)


def test_the_longest_names_can_be_written(tmp_path):
    for name in ("n" * 255, "é" * 127):
        write_file(check_target(tmp_path / name), "text")
        assert (tmp_path / name).read_text() == "text"
    with pytest.raises(ValueError, match="256 bytes"):
        check_target(tmp_path / ("é" * 128))
    with pytest.raises(ValueError, match=r"260 bytes|cannot be used"):
        check_folder(tmp_path / ("n" * 260) / "deep")
    with pytest.raises(ValueError, match="not a folder"):
        check_folder(tmp_path / ("n" * 255) / "deep")


def test_names_that_a_training_run_adds_count_too(tmp_path):
    from sdedit_core.training.run import check_model_path

    check_model_path(tmp_path / ("n" * 235 + ".safetensors"))
    with pytest.raises(ValueError, match="at most 255 bytes"):
        check_model_path(tmp_path / ("n" * 243 + ".safetensors"))
    replace_file(tmp_path / ("n" * 255), lambda part: part.write_bytes(b"x"), temporary="t" * 261)
    assert (tmp_path / ("n" * 255)).read_bytes() == b"x"


def test_long_names_that_are_read_are_told_too(tmp_path, guide, capsys):
    long = str(tmp_path / ("n" * 300 + ".png"))
    out = ["-o", str(tmp_path / "o.png")]
    for command in (["edit", long, *out], ["edit", str(guide), *out, "--mask", long], ["info", long]):
        assert main(command) == 1
        error = capsys.readouterr().err
        assert error.startswith("sdedit: ") and error.count("\n") == 1


def test_every_format_that_is_accepted_keeps_the_size(tmp_path):
    accepted = 0
    for suffix in Image.registered_extensions():
        try:
            picture_format(f"a{suffix}")
        except ValueError as error:
            assert "use .png, .jpg or .webp" in str(error)
            continue
        save_image(torch.rand(3, 20, 48), tmp_path / f"a{suffix}")
        accepted += 1
        if suffix not in (".pdf", ".eps", ".ps"):
            with Image.open(tmp_path / f"a{suffix}") as picture:
                assert picture.size == (48, 20)
    assert accepted >= 10


def test_a_code_page_loses_no_picture(tmp_path, monkeypatch, guide):
    memory = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(memory, encoding="cp1252"))
    common.say("\u5c71 é")
    assert memory.getvalue() == b"\\u5c71 \xe9" + os.linesep.encode()
    command = ["edit", str(guide), "-o", str(tmp_path / "\u5c71.png"), "--images", str(guide), "--steps", "2"]
    assert main([*command, "--batch", "2"]) == 0
    assert (tmp_path / "\u5c71_00.png").exists() and (tmp_path / "\u5c71_01.png").exists()


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20 GiB"),
        RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"),
        MemoryError(),
    ],
)
def test_memory_that_runs_out_is_a_sentence(guide, monkeypatch, capsys, error):
    def fail(*args, **options):
        raise error

    monkeypatch.setattr("sdedit_core.edit.sdedit", fail)
    command = ["edit", str(guide), "-o", str(guide.parent / "o.png"), "--images", str(guide), "--batch", "2"]
    assert main(command) == 1
    text = capsys.readouterr().err
    assert text.startswith("sdedit: Out of memory on cpu.") and "--size" in text and "--batch" in text


def test_other_errors_of_torch_are_no_memory(guide, monkeypatch):
    def fail(*args, **options):
        raise RuntimeError("shapes cannot be multiplied")

    monkeypatch.setattr("sdedit_core.edit.sdedit", fail)
    with pytest.raises(RuntimeError, match="shapes"):
        main(["edit", str(guide), "-o", str(guide.parent / "o.png"), "--images", str(guide)])


def test_nothing_heavy_is_loaded_before_an_interruption_can_be_caught(monkeypatch, capsys):
    code = "import sys, sdedit_core.cli.main; sys.exit('torch' in sys.modules or 'numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], timeout=120).returncode == 0

    def interrupt(commands):
        raise KeyboardInterrupt

    monkeypatch.setattr("sdedit_core.cli.main.add_parsers", interrupt)
    assert main(["info"]) == 130 and capsys.readouterr().err == "sdedit: interrupted\n"


def test_yes_and_no_are_no_numbers_and_numpys_are():
    for wrong in (True, False, np.True_, np.array(True), torch.tensor(True)):
        with pytest.raises(ValueError, match="t0 must be a number"):
            check_t0(wrong)
        for name in ("steps", "seed", "repeats"):
            with pytest.raises(ValueError, match="whole number"):
                OPTIONS[name].check(wrong)
    for name, wrong in (("eta", 10**400), ("solver", []), ("solver", {}), ("mask_mode", [])):
        with pytest.raises(ValueError, match=name):
            OPTIONS[name].check(wrong)
    with pytest.raises(ValueError, match="t0 must be a number"):
        check_t0(10**400)
    for kind in (int, np.int64, np.uint8, np.int32, torch.tensor):
        found = check_options({"steps": kind(7), "seed": kind(8), "repeats": kind(2)})
        values = [found[name] for name in ("steps", "seed", "repeats")]
        assert values == [7, 8, 2] and all(type(value) is int for value in values)
    assert check_t0(np.float32(0.5)) == 0.5 and OPTIONS["steps"].check(20.0) == 20


def test_a_disk_that_is_full_while_converting_is_a_sentence(tmp_path, monkeypatch, capsys):
    from safetensors import SafetensorError

    def fail(*args, **options):
        raise SafetensorError("I/O error: No space left on device")

    packed = Path(__file__).parent / "checkpoints/ncsnpp_ve.pth.xz"
    (tmp_path / "m.pth").write_bytes(lzma.decompress(packed.read_bytes()))
    monkeypatch.setattr("sdedit_core.checkpoints.convert.save_file", fail)
    assert main(["convert", str(tmp_path / "m.pth"), "-o", str(tmp_path / "o.safetensors")]) == 1
    assert "No space left on device" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["m.pth"]
