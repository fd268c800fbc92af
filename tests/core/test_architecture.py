"""Rules of the house, read from the source: who may import whom, and what nobody may do."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CORE = sorted((ROOT / "sdedit_core").rglob("*.py"))
PACK = [*CORE, *sorted((ROOT / "nodes").rglob("*.py")), *ROOT.glob("__init__.py")]
HOST_MODULES = set("comfy comfy_extras comfy_execution comfy_api folder_paths server nodes execution".split())
HOST_MODULES |= {"latent_preview", "node_helpers"}
# module prefix -> prefixes inside the core that it may not import
LAYERS = {
    "sde": ("score_model", "solvers", "edit", "masking", "priors", "networks", "checkpoints", "builtin", "cli"),
    "noise": ("score_model", "solvers", "edit", "masking", "priors", "networks", "checkpoints", "builtin", "cli"),
    "score_model": ("solvers", "edit", "masking", "grids", "priors", "networks", "checkpoints", "builtin", "cli"),
    "solvers": ("edit", "priors", "networks", "checkpoints", "builtin", "cli"),
    "masking": ("edit", "priors", "networks", "checkpoints", "builtin", "cli"),
    "edit": ("priors", "networks", "checkpoints", "builtin", "cli"),
    "networks": ("solvers", "edit", "masking", "grids", "checkpoints", "builtin", "cli"),
    "priors": ("solvers", "edit", "masking", "grids", "networks", "checkpoints", "cli"),
    "checkpoints": ("solvers", "edit", "masking", "grids", "builtin", "cli"),
}


def imports(path):
    """(module, relative level, names) of every import of a file."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, 0, []
        elif isinstance(node, ast.ImportFrom):
            yield node.module or "", node.level, [alias.name for alias in node.names]


def core_target(path, module, level, names):
    """Dotted names inside sdedit_core that a relative import reaches."""
    package = list(path.relative_to(ROOT / "sdedit_core").parts[:-1])
    base = package[: len(package) - (level - 1)]
    stem = [*base, *(module.split(".") if module else [])]
    return [".".join(stem)] if module else [".".join([*stem, name]) for name in names]


@pytest.mark.parametrize("path", CORE, ids=lambda p: str(p.relative_to(ROOT)))
def test_core_knows_no_host_and_imports_itself_relatively(path):
    for module, level, _ in imports(path):
        if level == 0:
            top = module.split(".")[0]
            assert top not in HOST_MODULES, f"{path.name} imports {module}"
            assert top != "sdedit_core", f"{path.name}: import the core relatively, it may live inside a custom node"


@pytest.mark.parametrize("path", CORE, ids=lambda p: str(p.relative_to(ROOT)))
def test_dependencies_point_one_way(path):
    relative = path.relative_to(ROOT / "sdedit_core").with_suffix("")
    layer = relative.parts[0]
    for module, level, names in imports(path):
        if level:
            for target in core_target(path, module, level, names):
                assert target.split(".")[0] not in LAYERS.get(layer, ()), f"{relative} imports {target}"


@pytest.mark.parametrize("path", PACK, ids=lambda p: str(p.relative_to(ROOT)))
def test_no_star_imports_no_global_rng_no_patching(path):
    source = path.read_text(encoding="utf-8")
    source.encode("cp1252")  # hosts on Windows read sources in that code page
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom):
            assert all(alias.name != "*" for alias in node.names)
        if isinstance(node, ast.Call):
            name = ast.unparse(node.func)
            assert name not in {"torch.manual_seed", "np.random.seed", "random.seed", "torch.seed"}
            if name in {"torch.randn", "torch.rand", "torch.randint", "torch.randperm", "torch.multinomial"}:
                assert any(k.arg == "generator" for k in node.keywords), f"{path.name}:{node.lineno} global RNG"
            assert name not in {"torch.randn_like", "torch.rand_like"}, f"{path.name}:{node.lineno} global RNG"


def test_only_host_py_touches_the_host():
    for path in sorted((ROOT / "nodes").rglob("*.py")):
        if path.name == "host.py":
            continue
        for module, level, _ in imports(path):
            assert level or module.split(".")[0] not in HOST_MODULES, f"{path.name} imports {module}"
