"""What the documents say is so: links lead somewhere, code runs, commands exist, quoted messages are real ones."""

import argparse
import ast
import re
import shlex
from pathlib import Path

import pytest
import torch
from PIL import Image

import make

ROOT = Path(__file__).parents[1]
HELP = sorted((ROOT / "web" / "docs").glob("*.md"))
DOCS = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md"))]
by_name = {"ids": lambda p: p.relative_to(ROOT).as_posix()}
LINK = re.compile(r"\]\(([^)\s]+)\)")
QUOTE = re.compile(r'^\| "(.+?)" \|', re.MULTILINE)  # first cell of a table of messages


def blocks(path, *languages):
    """(language, text) of the fenced blocks of a document."""
    found = re.findall(r"^```(\w*)\n(.*?)^```", path.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    return [(language, text) for language, text in found if language in languages]


@pytest.mark.parametrize("path", DOCS, **by_name)
def test_links_lead_somewhere(path):
    for target in LINK.findall(path.read_text(encoding="utf-8")):
        file, _, anchor = target.partition("#")
        if "://" in target:
            continue
        there = path.parent / file if file else path
        assert there.exists(), f"{path.name} links to {target}"
        if anchor:
            titles = re.findall(r"^#+ (.+)$", there.read_text(encoding="utf-8"), re.MULTILINE)
            slugs = {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}
            assert anchor in slugs, f"{path.name}: {file} has no heading {anchor}"


@pytest.mark.parametrize("path", HELP, **by_name)
def test_help_pages_show_a_picture_and_link_nowhere(path):
    """ComfyUI's help panel resolves pictures against the pack, but not links: those would lead nowhere."""
    text = path.read_text(encoding="utf-8")
    pictures = re.findall(r"!\[([^\]]*)\]\(([^)]+)\)", text)
    assert pictures and "\n## When to use it\n" in text
    for words, target in pictures:
        assert len(words) > 10, "a picture needs words for those who cannot see it"
        assert (path.parent / target).stat().st_size < 150_000
    targets = set(LINK.findall(text)) - {target for _, target in pictures}
    assert all(target.startswith("https://") for target in targets), targets


@pytest.mark.parametrize("path", HELP, **by_name)
def test_help_pages_name_nodes_as_they_are_called(path):
    names = {p.read_text(encoding="utf-8").split("\n", 1)[0].removeprefix("# ") for p in HELP}
    for name in re.findall(r"\*\*([A-Z][\w ().]+)\*\*", path.read_text(encoding="utf-8").replace("\n", " ")):
        assert name in names | {"R", "Stock noise", "Our noise"} or " " not in name, f"{path.name}: {name!r}"


@pytest.fixture(scope="module")
def sentences():
    """Every text in the source, with what is filled in left out."""
    out = []
    for path in [*(ROOT / "nodes").rglob("*.py"), *(ROOT / "sdedit_core").rglob("*.py")]:
        for item in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(item, ast.JoinedStr):
                out.append("".join(v.value if isinstance(v, ast.Constant) else "\0" for v in item.values))
            elif isinstance(item, ast.Constant) and isinstance(item.value, str):
                out.append(item.value)
    return out


@pytest.mark.parametrize("path", [*HELP, *DOCS], **by_name)
def test_quoted_messages_are_real(path, sentences):
    for quote in QUOTE.findall(path.read_text(encoding="utf-8")):
        parts = [part for part in quote.split(" ... ") if part]
        assert any(all(part in sentence for part in parts) for sentence in sentences), f"nothing says {quote!r}"


def commands():
    for path in DOCS:
        for _, text in blocks(path, "", "sh", "bat"):
            for line in text.replace("\\\n", " ").splitlines():
                if line.startswith("sdedit ") and not line.startswith("sdedit COMMAND"):
                    yield pytest.param(line, id=f"{path.name}: {line[:60]}")


@pytest.mark.parametrize("line", list(commands()))
def test_commands_exist(line):
    from sdedit_core.cli.main import add_parsers

    parser = argparse.ArgumentParser()
    add_parsers(parser.add_subparsers(required=True))
    parser.parse_args(shlex.split(line, comments=True)[1:])


def test_the_readme_names_every_template_and_every_node():
    readme = " ".join((ROOT / "README.md").read_text(encoding="utf-8").split())
    templates = [p.stem for folder in ("workflows", "subgraphs") for p in (ROOT / folder).glob("*.json")]
    nodes = [p.read_text(encoding="utf-8").split("\n", 1)[0].removeprefix("# ") for p in HELP]
    assert len(templates) > 5 and [name for name in templates + nodes if name not in readme] == []


def test_one_version_everywhere():
    import sdedit_core

    version = re.search(r'^version = "(.+)"$', (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE)[1]
    assert version == sdedit_core.__version__
    for name in ("CITATION.cff", "CHANGELOG.md"):
        assert version in (ROOT / name).read_text(encoding="utf-8"), name


def test_requirements_are_the_project_s_own_without_torch():
    listed = re.search(
        r"^dependencies = \[(.+)\]$", (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE
    )
    wanted = {name for name in re.findall(r'"(.+?)"', listed[1]) if not name.startswith("torch")}
    assert set((ROOT / "requirements.txt").read_text(encoding="utf-8").split()) == wanted


def test_files_that_the_documents_run_exist():
    for path in DOCS:
        for file, name in re.findall(r"python ([\w/]+\.py)(?: ([\w-]+))?", path.read_text(encoding="utf-8")):
            assert (ROOT / file).exists(), f"{path.name} runs {file}"
            assert file != "tools/make.py" or name in {"", *make.MAKERS}, f"{path.name} makes {name}"


def snippets():
    for path in DOCS:
        for i, (_, text) in enumerate(blocks(path, "python")):
            yield pytest.param(text, id=f"{path.name} {i}")


@pytest.mark.parametrize("text", list(snippets()))
def test_python_runs(text, tmp_path, monkeypatch):
    """As it stands, with a small guide as strokes.png and what the text around it has introduced."""
    code = compile(text, "snippet", "exec")
    import sdedit_core
    from sdedit_core.builtin import example_guide
    from sdedit_core.pictures.io import save_image
    from sdedit_core.sampling.masks import feather

    monkeypatch.chdir(tmp_path)
    guide = example_guide("alpine", width=32, height=32)
    save_image(guide, "strokes.png")
    mask = torch.zeros(1, 1, 32, 32)
    mask[..., 8:24, 8:24] = 1.0
    known = {name: getattr(sdedit_core, name) for name in sdedit_core.__all__}
    known |= {"model": grey_noise(), "guide": guide, "mask": mask, "my_map": 0.5 * mask, "feather": feather}
    exec(code, known)


def grey_noise():
    """A score model that costs nothing: grey pictures with Gaussian pixels."""
    from sdedit_core import ScoreModel

    def denoise(x, sigma):
        weight = 0.04 / (0.04 + sigma.reshape(-1, 1, 1, 1) ** 2)
        return weight * x + (1 - weight) * 0.5

    return ScoreModel.from_denoiser(denoise, data_range=(0.0, 1.0), channels=3)


@pytest.mark.parametrize(("name", "size"), [("icon.png", (400, 400)), ("banner.jpg", (1260, 540))])
def test_the_registry_s_pictures_have_the_shape_that_it_asks_for(name, size):
    path = ROOT / "docs" / "images" / name
    with Image.open(path) as picture:
        assert picture.size == size
    assert path.stat().st_size < 200_000 and f"docs/images/{name}" in (ROOT / "pyproject.toml").read_text("utf-8")
