"""What the take library answers with, and what it can be asked. Knows nothing of files."""

from __future__ import annotations

import msgspec

from musiscene_core.errors import InputError

MAX_PAGE = 500
"""Takes in one answer: as many as surely fit into one message."""

MAX_LABEL = 200


class TakeQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which takes are wanted. What is left empty does not narrow.

    Attributes:
        words: each must begin a word of the take's cue, captions, prompt, engine, key or label.
        cue: part of the cue's name, in any case.
        engine: the engine's name.
        since: Unix time in seconds of the oldest.
        until: Unix time in seconds after the youngest.
        favourite: only favourites.
        limit: how many at most, up to MAX_PAGE.
        offset: how many of the youngest to pass over.
    """

    words: str = ""
    cue: str = ""
    engine: str = ""
    since: float | None = None
    until: float | None = None
    favourite: bool = False
    limit: int = 100
    offset: int = 0

    def __post_init__(self) -> None:
        if not 1 <= self.limit <= MAX_PAGE or not 0 <= self.offset < 2**62:
            raise InputError(f"A list shows 1 to {MAX_PAGE} takes, from any place on.")


class TakeRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A take as the library lists it.

    Attributes:
        id: names it: the same request, seed, engine version and measured result, the same id.
        group: shared by takes that differ in their seed alone.
        folder: absolute path.
        name: "take-1" and so on.
        cue: the cue's name.
        engine: who made it.
        engine_version: of the engine.
        model: of the engine; empty for the composer.
        seed: this take's.
        key: such as "D minor"; empty where unknown.
        tempo_bpm: at its beginning; None where unknown.
        length_s: seconds.
        prompt: the text that steered it, shortened.
        licence: of the music.
        commercial_use: whether that licence allows it.
        created: Unix time in seconds.
        size_bytes: on the disk.
        mix: WAV file, relative to `folder`.
        peaks: waveform overview, relative to `folder`; empty where none.
        favourite: whether a user wants it kept.
        label: what a user calls it.
        copies: in how many folders it lies; their large files are stored once.
    """

    id: str
    group: str
    name: str
    cue: str
    engine: str
    engine_version: str
    seed: int
    length_s: float
    licence: str
    commercial_use: bool
    created: float
    mix: str
    model: str = ""
    key: str = ""
    tempo_bpm: float | None = None
    prompt: str = ""
    size_bytes: int = 0
    peaks: str = ""
    folder: str = ""
    favourite: bool = False
    label: str = ""
    copies: int = 1


class TakePage(msgspec.Struct, frozen=True, kw_only=True):
    """Takes that answer a query, the youngest first.

    Attributes:
        takes: one page of them.
        total: how many answer the query.
        total_bytes: what the whole library takes on the disk, whatever the query.
    """

    takes: tuple[TakeRecord, ...]
    total: int
    total_bytes: int
