"""Rules that keep the nodes thin and polite, read from their source."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / "nodes").rglob("*.py")) + [ROOT / "__init__.py"]
HOST_MODULES = {
    "comfy",
    "comfy_extras",
    "comfy_execution",
    "folder_paths",
    "server",
    "latent_preview",
    "nodes",
    "execution",
}


def imported(tree):
    for item in ast.walk(tree):
        if isinstance(item, ast.Import):
            for name in item.names:
                yield 0, name.name
        elif isinstance(item, ast.ImportFrom):
            yield item.level, item.module or ""


@pytest.fixture(params=FILES, ids=lambda p: p.relative_to(ROOT).as_posix())
def source(request):
    path = request.param
    return path, ast.parse(path.read_text(encoding="utf-8"))


def test_only_host_py_knows_comfyui(source):
    path, tree = source
    for level, name in imported(tree):
        if level == 0 and name.split(".")[0] in HOST_MODULES:
            assert path.name == "host.py", f"{path.name} imports {name}"


def test_own_modules_are_imported_relatively(source):
    _, tree = source
    for level, name in imported(tree):
        assert level > 0 or name.split(".")[0] not in {"sdedit_core", "nodes"}, name


def test_no_star_imports(source):
    _, tree = source
    stars = [n for n in ast.walk(tree) if isinstance(n, ast.ImportFrom) and any(a.name == "*" for a in n.names)]
    assert not stars


def test_no_global_randomness_print_or_assert_on_input(source):
    path, tree = source
    for item in ast.walk(tree):
        if isinstance(item, ast.Call):
            name = ast.unparse(item.func)
            assert name != "print", f"{path.name}:{item.lineno} prints"
            assert name not in {"torch.manual_seed", "torch.randn", "torch.rand", "torch.randn_like", "eval", "exec"}, (
                f"{path.name}:{item.lineno} calls {name}"
            )
            assert not name.startswith(("random.", "np.random.", "numpy.random.")), f"{path.name}:{item.lineno}"
        assert not isinstance(item, ast.Assert), f"{path.name}:{item.lineno}: raise ValueError instead"


def test_no_swallowed_interruptions(source):
    path, tree = source
    for item in ast.walk(tree):
        if isinstance(item, ast.ExceptHandler):
            names = "" if item.type is None else ast.unparse(item.type)
            assert names not in {"", "Exception", "BaseException"}, f"{path.name}:{item.lineno} swallows a cancel"


def test_files_stay_small(source):
    path, _ = source
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 400


def test_source_is_cp1252(source):
    source[0].read_text(encoding="utf-8").encode("cp1252")
