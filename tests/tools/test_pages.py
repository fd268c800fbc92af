"""The help pages in other languages: complete, with the names that nodes show, none older than the English one."""

import pytest

from locales import pages
from locales.texts import languages, node_texts
from pack import load_pack

NODES = load_pack().NODE_CLASS_MAPPINGS
AGAIN = "bring the page up to date, then run python tools/make.py locales pages"


@pytest.fixture(scope="module")
def texts():
    return list(node_texts(NODES))


@pytest.mark.parametrize("language", pages.LANGUAGES)
@pytest.mark.parametrize("node", NODES)
def test_a_page_has_all_that_the_english_one_has(node, language, texts):
    assert pages.problems(node, language, texts) == [], f"{node}/{language}.md"


@pytest.mark.parametrize("language", pages.LANGUAGES)
@pytest.mark.parametrize("node", NODES)
def test_no_page_is_older_than_the_english_one(node, language):
    changed = pages.outdated(node, language)
    assert changed == [], f"the English text changed in {changed}: {AGAIN} {language} {node}"


def test_english_is_there_under_the_name_that_is_asked_for_first():
    for node in NODES:
        page = (pages.HELP / f"{node}.md").read_bytes()
        assert pages.path_of(node, "en").read_bytes() == page, "run python tools/make.py locales"


def test_there_are_no_pages_but_these():
    expected = {f"{node}/{language}.md" for node in NODES for language in ("en", *pages.LANGUAGES)}
    assert {path.relative_to(pages.HELP).as_posix() for path in pages.HELP.glob("*/*.md")} == expected
    assert set(pages.LANGUAGES) <= set(languages())


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("## 下一步", "", "headings"),
        ("| t0 值 `t0_values` |", "| `t0_values` |", "lists no `t0_values`"),
        ("| t0 值 `t0_values` |", "| t0 值 |", "lists no `t0_values`"),
        ("| VAE `vae` | 模型的 VAE", "VAE `vae` | 模型的 VAE", "rows in tables"),
        ("images/SDEdit_T0Probe.jpg", "images/SDEdit_T0Map.jpg", "other pictures"),
        ("t0 为 0.2、0.35 和 0.5 时保留下来的内容", "What survives", "not translated"),
        ("0.2、0.35 和 0.5", "0.2、0.3 和 0.5", "the number 0.35"),
        ("`0.2:0.7:6`", "0.2:0.7:6", "lacks `0.2:0.7:6`"),
        ("**t0 扫描**", "**t0 Sweep**", "speaks of 't0 Sweep'"),
        ("*VAE编码*", "*VAE Encode*", "speaks of 'VAE Encode'"),
        ("此 Latent 已含有噪波", "这里有噪波", "is not what 'this latent holds noise already' is called"),
        ("# t0 探测", "# 探测", "is called '探测'"),
        ("*t0 (model time)*", "或*t0 (model time)*或", "emphasis"),
    ],
)
def test_the_rules_find_what_is_wrong(old, new, complaint, texts, tmp_path, monkeypatch):
    node, page = "SDEdit_T0Probe", pages.path_of("SDEdit_T0Probe", "zh").read_text(encoding="utf-8")
    assert old in page
    made = tmp_path / "zh.md"
    made.write_text(page.replace(old, new), encoding="utf-8")
    monkeypatch.setattr(pages, "path_of", lambda *_: made)
    found = pages.problems(node, "zh", texts)
    assert any(complaint in one for one in found), found


def test_a_changed_english_section_is_named(monkeypatch):
    now = pages.english("SDEdit_T0Probe")
    assert [one.title for one in now][:3] == ["t0 Probe", "When to use it", "Inputs"]
    changed = [*now[:1], pages.Section(now[1].title, now[1].body + "And more.\n"), *now[2:]]
    monkeypatch.setattr(pages, "english", lambda _: changed)
    assert pages.outdated("SDEdit_T0Probe", "zh") == ["When to use it"]
