"""Whatever level a token of a network is told, that is the noise it holds: every model class of this ComfyUI."""

import pytest

from models import table


@pytest.fixture(scope="module")
def found(comfy_location):
    return table.ask(*comfy_location)


def test_every_class_is_told_what_it_holds(found):
    assert not table.undecided(found), "\n".join(table.undecided(found))
    assert len(found["rows"]) > 60


def test_kept_frames_are_those_of_stock_sampling_where_it_fits(found):
    told = [row for row in found["rows"] if row["how"]]
    here = {row["entry"] for row in found["rows"]}
    known = {"WAN22_T2V", "LTXV", "LTXAV", "CosmosI2V", "CosmosT2IPredict2", "WAN21_SCAIL2", "MiniMaxH3"}
    assert known & here <= {row["entry"] for row in told}
    for row in told:
        frame = row["masks"]["frame"]
        assert frame["clean"] and frame["stock"] and frame["as stock"], row


def test_the_measurement_sees_what_does_not_fit(found):
    rows = {row["entry"]: row["masks"] for row in found["rows"]}
    assert not rows["WAN22_T2V"]["half"]["stock"], "told a mean of the mask, holds 0 and 1"
    assert not rows["HunyuanVideo"]["frame"]["stock"], "shown clean, told noise"
    assert rows["WAN22_T2V"]["frame"]["stock"] and rows["SD15"]["half"]["stock"]


def test_an_undecided_class_is_named():
    row = {"entry": "New", "problem": "not built: KeyError", "how": "", "masks": {}}
    fits = {"ours": False, "stock": True, "clean": False}
    other = {"entry": "Other", "problem": "", "how": "", "masks": {"half": fits}}
    found = {"rows": [row, other], "unreached": ["Third"]}
    assert [line.split(":")[0].split(",")[0] for line in table.undecided(found)] == ["Third", "New", "Other"]


def test_the_documents_table_is_this_versions(found):
    text = table.DOCUMENT.read_text(encoding="utf-8")
    if f"## ComfyUI {found['version']}\n" not in text:
        pytest.skip(f"docs/models.md has no table of {found['version']}")
    assert table.section(found) in text
