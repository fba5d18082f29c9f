"""The German catalogue: whole, with the same places to fill in, and spoken by the panel."""

from __future__ import annotations

import re
from importlib import resources
from pathlib import Path

import pytest
from defusedxml import ElementTree
from PySide6.QtCore import QCoreApplication, QTranslator

from musiscene_core.errors import HostError, MediaError
from musiscene_core.paths import data_folder
from musiscene_core.take import Take
from musiscene_gui.application import Application
from musiscene_gui.widgets.language import use_language
from musiscene_gui.widgets.said import said, said_of
from musiscene_gui.widgets.settings_dialog import SettingsDialog
from tests.support.daemons import Home
from tests.support.panel_takes import copies

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


@pytest.mark.parametrize(
    ("english", "german"),
    [
        ("Watching a dark door.mov", "Sehe a dark door.mov"),
        ("Mixing and mastering", "Mische und mastere"),
        (
            "Farther from the scene's feeling than the best: 0.92 off in the plane of valence and "
            "arousal (0.49 against 0.54).",
            "Ferner von dem Gefühl der Szene als die beste: 0,92 daneben in der Ebene von Valenz "
            "und Erregung (0,49 gegen 0,54).",
        ),
        ("Nobody knows this sentence.", "Nobody knows this sentence."),
    ],
)
def test_what_is_said_elsewhere_is_said_in_german_with_its_names_and_figures(
    english_again, english: str, german: str
) -> None:
    use_language("de")
    assert said(english) == german
    use_language("en")
    assert said(english) == english


def test_of_an_unknown_error_the_kind_is_named(english_again) -> None:
    known = HostError("The connection to the editor broke.", hint="Reload the timeline.")
    unknown = MediaError("Its third stream is odd.", hint="Reload the timeline.")
    use_language("de")
    assert said_of(known) == (
        "Die Verbindung zum Schnittprogramm ist abgerissen. Die Timeline neu laden."
    )
    assert said_of(unknown) == "Medien: Its third stream is odd. Die Timeline neu laden."
    use_language("en")
    assert said_of(unknown) == str(unknown)


class Asked(QTranslator):
    """Notes every text that is asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: set[tuple[str, str]] = set()

    def translate(self, context, text, note=None, number=-1) -> str:
        self.texts.add((context, text))
        return ""

    def isEmpty(self) -> bool:  # noqa: N802 - Qt's name
        return False


def test_what_widgets_ask_for_is_in_the_catalogue_under_the_same_context(
    application: Application, composed: tuple[Path, Take], own_home: Home, tmp_path: Path, qtbot
) -> None:
    """Text looked up under another context than it was collected for stays English."""
    text = (resources.files("musiscene_gui") / "translations/panel_de.ts").read_text("utf-8")
    known = {
        (context.findtext("name"), message.findtext("source"))
        for context in ElementTree.fromstring(text).iter("context")
        for message in context.iter("message")
    }
    asked = Asked()
    QCoreApplication.installTranslator(asked)
    try:
        takes = application.listening.takes
        takes.show(copies(composed, data_folder(), 2))
        qtbot.waitUntil(lambda: len(takes.cards) == 2, timeout=30_000)
        application.listening.column.compare("A").close()
        application.listening.history_view.ask_purge().close()
        SettingsDialog(application.panel, application.window).close()
        application.show_setup()
        card = application.listening.column.cards["A"]
        card.place_menu()
        card.more_menu()
        application.strip.menu()
        application.panel.scene.show_error(HostError("The editor is gone."), "reload")
    finally:
        QCoreApplication.removeTranslator(asked)
    ours = {each for each in asked.texts if not each[0].startswith("Q")}
    assert len(ours) > 150
    assert ours - known == set()
