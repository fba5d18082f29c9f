"""Opening what a take is heard from: its stems, or its mix where it has none."""

from __future__ import annotations

from pathlib import Path

from musiscene_core.errors import MediaError
from musiscene_core.take import Take
from musiscene_gui.audio.decks import Deck, Track
from musiscene_gui.audio.sources import StemFile


def open_deck(folder: Path, take: Take) -> Deck:
    """The take in `folder`, one track a stem.

    Raises:
        MediaError: a file is missing or no sound of ours.
    """
    names = [(stem.title, stem.path) for stem in take.stems] or [("mix", take.mix)]
    tracks: list[Track] = []
    try:
        for name, path in names:
            tracks.append(Track(name, StemFile(folder / path)))
    except MediaError:
        Deck(tracks).close()
        raise
    return Deck(tracks)
