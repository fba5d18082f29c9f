"""The panel's language: catalogues of this package, put in and taken out while it runs."""

from __future__ import annotations

from importlib import resources

from PySide6.QtCore import QCoreApplication, QLocale, QTranslator

SOURCE_LANGUAGE = "en"
_in_use: list[tuple[QTranslator, bytes]] = []
"""With the catalogue, which a translator reads from but does not keep."""


def speaks_english() -> bool:
    """Whether texts are shown as they are written."""
    return not _in_use


def tr(text: str, note: str = "") -> str:
    """`text` in the user's language, outside any class: where catalogues have no context."""
    return QCoreApplication.translate("", text, note or None)


def use_language(language: str) -> str:
    """Speak a language, the system's where empty; what there is no catalogue for is English.

    Returns:
        The language spoken.
    """
    while _in_use:
        QCoreApplication.removeTranslator(_in_use.pop()[0])
    wanted = language or QLocale.system().name()[:2]
    if wanted == SOURCE_LANGUAGE:
        return wanted
    catalogue = resources.files("musiscene_gui") / "translations" / f"panel_{wanted}.qm"
    if not catalogue.is_file():
        return SOURCE_LANGUAGE
    translator = QTranslator()
    texts = catalogue.read_bytes()
    if not translator.load(texts):
        return SOURCE_LANGUAGE
    _in_use.append((translator, texts))
    QCoreApplication.installTranslator(translator)
    return wanted
