"""The German catalogue: whole, with the same places to fill in, and spoken by the panel."""

from __future__ import annotations

import re
from importlib import resources

import pytest
from defusedxml import ElementTree
from PySide6.QtCore import QCoreApplication

from musiscene_gui.widgets.language import use_language

_PLACE = re.compile(r"\{[^}]*\}")


@pytest.fixture
def english_again(qapp):
    yield
    use_language("en")


def test_every_text_is_translated_with_the_same_places_to_fill_in() -> None:
    text = (resources.files("musiscene_gui") / "translations/panel_de.ts").read_text("utf-8")
    messages = list(ElementTree.fromstring(text).iter("message"))
    assert len(messages) > 200
    for message in messages:
        source, translated = message.findtext("source"), message.findtext("translation")
        assert translated, source
        assert sorted(_PLACE.findall(source)) == sorted(_PLACE.findall(translated)), source


def test_the_panel_speaks_german_and_english_again(english_again) -> None:
    said = lambda: QCoreApplication.translate("SceneColumn", "Score this scene")  # noqa: E731
    assert use_language("de") == "de"
    assert said() == "Diese Szene vertonen"
    assert use_language("tlh") == "en"
    assert said() == "Score this scene"
