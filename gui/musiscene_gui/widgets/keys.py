"""What keys are called: other languages name the notes otherwise."""

from __future__ import annotations

from musiscene_core.brief import Mode
from musiscene_core.keys import key_name
from musiscene_gui.widgets.language import tr


def key_title(tonic: int, mode: Mode | None) -> str:
    """A key in the user's language: "Bb minor", "b-Moll"; its note alone where the mode is open."""
    name = key_name(tonic, mode)
    keys = {
        "C major": tr("C major"),
        "Db major": tr("Db major"),
        "D major": tr("D major"),
        "Eb major": tr("Eb major"),
        "E major": tr("E major"),
        "F major": tr("F major"),
        "F# major": tr("F# major"),
        "G major": tr("G major"),
        "Ab major": tr("Ab major"),
        "A major": tr("A major"),
        "Bb major": tr("Bb major"),
        "B major": tr("B major"),
        "C minor": tr("C minor"),
        "C# minor": tr("C# minor"),
        "D minor": tr("D minor"),
        "Eb minor": tr("Eb minor"),
        "E minor": tr("E minor"),
        "F minor": tr("F minor"),
        "F# minor": tr("F# minor"),
        "G minor": tr("G minor"),
        "G# minor": tr("G# minor"),
        "A minor": tr("A minor"),
        "Bb minor": tr("Bb minor"),
        "B minor": tr("B minor"),
    }
    return keys.get(name, name)
