"""What ComfyUI reads from the node classes: ids, inputs, outputs, tooltips, help pages."""

import importlib.util
import inspect
import json
import math
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
IDS = [
    "SDEdit_ScoreModelLoader",
    "SDEdit_AddVENoise",
    "SDEdit_ReverseSDESampler",
    "SDEdit_ScoreModelFromImages",
    "SDEdit_ExampleGuide",
    "SDEdit_StrokeCanvas",
    "SDEdit_SigmasFromT0",
    "SDEdit_ReverseSDE",
    "SDEdit_FitImage",
    "SDEdit_UnfitImage",
    "SDEdit_T0Map",
    "SDEdit_T0Probe",
    "SDEdit_T0Sweep",
    "SDEdit_EditReport",
    "SDEdit_SimulateStrokes",
]
WIDGETS = {"INT", "FLOAT", "BOOLEAN", "STRING"}
SOCKETS = {"MODEL", "VAE", "LATENT", "IMAGE", "MASK", "CONDITIONING", "SIGMAS", "SAMPLER", "STRING", "FLOAT"}
OWN = {"SDEDIT_UNDO"}  # what no type of ComfyUI can say


@pytest.fixture(params=IDS)
def node(request, pack):
    return pack.NODE_CLASS_MAPPINGS[request.param]


def inputs(node):
    for section, entries in node.INPUT_TYPES().items():
        assert section in ("required", "optional")
        for name, entry in entries.items():
            assert isinstance(entry, tuple) and len(entry) == 2, f"{name}: (type, options) expected"
            yield section, name, entry[0], entry[1]


def test_the_pack_exports_exactly_these_nodes(pack):
    assert list(pack.NODE_CLASS_MAPPINGS) == IDS
    assert set(pack.NODE_DISPLAY_NAME_MAPPINGS) == set(IDS)
    assert pack.WEB_DIRECTORY == "./web"
    assert len(set(pack.NODE_DISPLAY_NAME_MAPPINGS.values())) == len(IDS)


def test_class_attributes(node):
    assert node.ID.startswith("SDEdit_") and node.CATEGORY.split("/")[0] == "SDEdit"
    assert len(node.DESCRIPTION) > 40 and node.DESCRIPTION.endswith(".")
    assert "sdedit" in node.SEARCH_ALIASES and len(node.SEARCH_ALIASES) >= 5
    assert len(node.RETURN_TYPES) == len(node.RETURN_NAMES) == len(node.OUTPUT_TOOLTIPS)
    assert set(node.RETURN_TYPES) <= SOCKETS | OWN, "ComfyUI's own types wherever there is one"


def test_every_input_and_output_has_a_tooltip(node):
    for _, name, _, options in inputs(node):
        assert len(options.get("tooltip", "")) > 20, f"{node.ID}.{name} has no tooltip"
    assert all(len(text) > 20 for text in node.OUTPUT_TOOLTIPS)


def test_defaults_are_inside_their_ranges(node):
    for _, name, kind, options in inputs(node):
        if isinstance(kind, list):
            assert kind and all(isinstance(choice, str) for choice in kind), name
            assert options.get("default", kind[0]) in kind, name
        elif kind in ("INT", "FLOAT"):
            low, high, value = options["min"], options["max"], options["default"]
            assert low <= value <= high and math.isfinite(high), name
            assert kind == "INT" or "step" in options, f"{name}: without step the front end shows one decimal"
        else:
            assert kind in SOCKETS | WIDGETS | OWN, f"{name}: {kind}"


def test_the_function_takes_every_input(node):
    signature = inspect.signature(getattr(node, node.FUNCTION))
    takes_any = any(p.kind is p.VAR_KEYWORD for p in signature.parameters.values())
    for section, name, _, options in inputs(node):
        parameter = signature.parameters.get(name)
        if parameter is None:
            assert takes_any, f"{node.ID}.{node.FUNCTION} does not take {name}"
        elif section == "optional":
            assert parameter.default is not parameter.empty, f"{name} is optional and needs a default"
            assert parameter.default == options.get("default"), f"{name}: default differs from the widget's"


def test_schema_survives_json(node):
    types = {part: {k: list(v) for k, v in entries.items()} for part, entries in node.INPUT_TYPES().items()}
    assert json.loads(json.dumps(types)) == types


def test_seeds_offer_control_after_generate(node):
    for _, name, _, options in inputs(node):
        if name == "seed":
            assert options["control_after_generate"] is True and options["max"] == 2**64 - 1


def test_help_page(node):
    page = ROOT / "web" / "docs" / f"{node.ID}.md"
    text = page.read_text(encoding="utf-8")
    assert text.startswith(f"# {node.NAME}\n")
    for _, name, _, _ in inputs(node):
        assert f"`{name}`" in text, f"{page.name} does not explain {name}"
    for name in node.RETURN_NAMES:
        assert f"`{name}`" in text, f"{page.name} does not explain the output {name}"


def test_help_pages_have_no_orphans():
    assert {p.stem for p in (ROOT / "web" / "docs").glob("*.md")} == set(IDS)


def test_importing_the_root_alone_is_harmless():
    spec = importlib.util.spec_from_file_location("__init__", ROOT / "__init__.py")  # as pytest collects it
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.NODE_CLASS_MAPPINGS == {}


def test_what_is_turned_by_eye_is_a_slider(node):
    for _, name, kind, options in inputs(node):
        if kind == "FLOAT" and options["max"] <= 1.0 and not options.get("forceInput"):
            assert options.get("display") == "slider", f"{node.ID}.{name}"


# What the widgets of the nodes with a dial were called, in order, before they had a unit: saved workflows hold the
# values by position, so what is new comes after these.
SAVED = {
    "SDEdit_AddVENoise": ["t0", "seed"],
    "SDEdit_SigmasFromT0": ["t0", "steps", "spacing"],
    "SDEdit_T0Probe": ["t0_values", "seed", "cfg"],
    "SDEdit_T0Sweep": "t0_values steps solver seed cfg repeats eta mask_mode predict keep_on_cancel picks".split(),
}


@pytest.mark.parametrize("name", SAVED)
def test_the_unit_comes_after_what_saved_workflows_hold_and_is_model_time_without(pack, name):
    node = pack.NODE_CLASS_MAPPINGS[name]
    widgets = [key for _, key, kind, _ in inputs(node) if isinstance(kind, list) or kind in WIDGETS]
    assert widgets[: len(SAVED[name])] == SAVED[name] and "unit" in widgets[len(SAVED[name]) :]
    choices, options = node.INPUT_TYPES()["optional"]["unit"]
    assert choices == ["t0 (model time)", "noise share"] and options["default"] == choices[0]
    assert inspect.signature(getattr(node, node.FUNCTION)).parameters["unit"].default == choices[0]
