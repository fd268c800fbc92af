"""The translations inside ComfyUI: served under the names that its front end looks up."""

from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_every_language_is_served_with_every_node(comfy):
    served = comfy.json("/i18n")
    languages = sorted(path.name for path in (ROOT / "locales").iterdir())
    assert languages and set(languages) <= set(served)
    ours = {key: node for key, node in comfy.json("/object_info").items() if key.startswith("SDEdit_")}
    for language in languages:
        assert len(served[language]["SDEdit"]["canvas"]) > 80, "what the canvas says"
        texts = served[language]["nodeDefs"]
        assert set(ours) <= set(texts)
        for key, node in ours.items():
            inputs = [name for part in ("required", "optional") for name in node["input"].get(part, {})]
            assert list(texts[key]["inputs"]) == inputs
            assert len(texts[key]["outputs"]) == len(node["output"])


def test_english_is_what_the_server_says(comfy):
    english = comfy.json("/i18n")["en"]["nodeDefs"]
    for key, node in comfy.json("/object_info").items():
        if key.startswith("SDEdit_"):
            assert english[key]["display_name"] == node["display_name"]
            assert english[key]["description"] == node["description"]
