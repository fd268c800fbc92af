"""Rules of the house, read from the source: who may import whom, and what nobody may do."""

import ast
import functools
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CORE = sorted((ROOT / "sdedit_core").rglob("*.py"))
NODES = [ROOT / "__init__.py", *sorted((ROOT / "nodes").rglob("*.py"))]
HOST_MODULES = set("comfy comfy_extras comfy_execution comfy_api folder_paths server nodes execution".split())
HOST_MODULES |= {"latent_preview", "node_helpers"}
# What sdedit_core/ is built of, from the ground up: everything imports from its own entry and from earlier ones only.
LAYERS = "sde model pictures sampling networks priors checkpoints builtin load edit training measure cli".split()
GLOBAL_RANDOM = "torch.manual_seed torch.seed torch.randn_like torch.rand_like".split()
WITH_GENERATOR = "torch.randn torch.rand torch.randint torch.randperm torch.multinomial torch.bernoulli".split()
IN_PLACE = (".normal_", ".uniform_", ".random_", ".bernoulli_", ".exponential_")

every = {"ids": lambda path: path.relative_to(ROOT).as_posix()}
core_files = pytest.mark.parametrize("path", CORE, **every)
node_files = pytest.mark.parametrize("path", NODES, **every)
all_files = pytest.mark.parametrize("path", [*CORE, *NODES], **every)


@functools.cache
def tree(path):
    return ast.parse(path.read_text(encoding="utf-8"))


def imports(path):
    """(dots, module, names) of every import of a file."""
    for item in ast.walk(tree(path)):
        if isinstance(item, ast.Import):
            yield from ((0, alias.name, []) for alias in item.names)
        elif isinstance(item, ast.ImportFrom):
            yield item.level, item.module or "", [alias.name for alias in item.names]


def layer(module):
    """The place in LAYERS of a module of the core, "sampling.grids" say."""
    entry = module.split(".")[0]
    assert entry in LAYERS, f"sdedit_core/{entry} has no place in LAYERS"
    return LAYERS.index(entry)


def test_the_core_is_of_few_parts():
    entries = {path.relative_to(ROOT / "sdedit_core").parts[0] for path in CORE}
    assert len(entries) <= 16, sorted(entries)
    for entry in entries - {"__init__.py", "__main__.py"}:
        layer(entry.removesuffix(".py"))


@core_files
def test_dependencies_point_one_way(path):
    own = path.relative_to(ROOT / "sdedit_core").with_suffix("").parts
    if len(own) == 1 and own[0].startswith("__"):
        return  # the public names, and the way in: on top of everything
    for dots, module, names in imports(path):
        if dots:
            parts = (*own[: len(own) - dots], *filter(None, module.split(".")))
            for target in [".".join(parts)] if module else [".".join((*parts, name)) for name in names]:
                if target != "__version__":
                    assert layer(target) <= layer(".".join(own)), f"{'.'.join(own)} imports {target}"


@all_files
def test_the_pack_imports_itself_relatively_and_only_nodes_host_the_host(path):
    for dots, module, names in imports(path):
        assert "*" not in names
        top = module.split(".")[0]
        assert dots or top != "sdedit_core", "import it relatively: it lives inside a custom node"
        assert dots or top not in HOST_MODULES or path.parent.name == "host", f"imports {module}"


@all_files
def test_no_global_randomness_no_eval_no_asserts(path):
    imported = [alias.name for item in ast.walk(tree(path)) if isinstance(item, ast.Import) for alias in item.names]
    drawn = ("np.random.", "numpy.random.") + (("random.",) if "random" in imported else ())
    for item in ast.walk(tree(path)):
        assert not isinstance(item, ast.Assert), f"line {item.lineno}: raise ValueError instead"
        if isinstance(item, ast.Call):
            name = ast.unparse(item.func)
            assert name not in ("eval", "exec"), f"line {item.lineno} calls {name}"
            assert name not in GLOBAL_RANDOM, f"line {item.lineno}: global random numbers"
            assert not name.startswith(drawn) or name == "random.Random", f"line {item.lineno}: {name}"
            if name in WITH_GENERATOR or name.endswith(IN_PLACE):
                assert any(k.arg == "generator" for k in item.keywords), f"line {item.lineno}: global random numbers"


@node_files
def test_no_prints_and_no_swallowed_interruptions(path):
    for item in ast.walk(tree(path)):
        if isinstance(item, ast.Call):
            assert ast.unparse(item.func) != "print", f"line {item.lineno} prints"
        if isinstance(item, ast.ExceptHandler):
            names = "" if item.type is None else ast.unparse(item.type)
            assert names not in ("", "Exception", "BaseException"), f"line {item.lineno} swallows a cancel"


@all_files
def test_files_stay_small_and_readable_on_windows(path):
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 400
    text.encode("cp1252")  # hosts on Windows read sources in that code page
