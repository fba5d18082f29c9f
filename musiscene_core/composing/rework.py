"""What an earlier take gives to the next one: its notes, its level and its finished sound.

A composed take keeps its cue in a file beside its audio, so that it can be fitted to film that
changed without being composed again.
"""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from musiscene_core.codec import read_json
from musiscene_core.composing import engine
from musiscene_core.composing.kept_sound import KeptSound, KeptSpan, kept_spans, needed
from musiscene_core.composing.sound import Track
from musiscene_core.composing.staying import Stays
from musiscene_core.conforming.earlier import EarlierTake
from musiscene_core.conforming.seams import hold
from musiscene_core.cue import Cue
from musiscene_core.errors import InputError
from musiscene_core.request import ScoreRequest

CUE_FILE = "cue.json"
_HEARD_DB = 2.0
"""By how much a cue misses its level before that is told."""


class ComposedCue(msgspec.Struct, frozen=True, kw_only=True):
    """A cue as it was written and played.

    Attributes:
        cue: the music.
        gain_db: the constant gain it was mastered with.
        schema_version: of this struct.
    """

    cue: Cue
    gain_db: float
    schema_version: int = 1


@dataclass(frozen=True)
class Rework:
    """What stays of an earlier take.

    Attributes:
        earlier: the take.
        stays: what the composer keeps.
        gain_db: the constant gain to play at.
    """

    earlier: EarlierTake
    stays: Stays
    gain_db: float

    def sound(self, tracks: tuple[Track, ...], request: ScoreRequest) -> KeptSound | None:
        """The sound that stays on `tracks`; None where the stems were others."""
        files = self.earlier.files
        names = {track.name for track in tracks}
        listed = {track for track in files if track in names}
        if len(listed) < len(self.earlier.take.stems) or not files:
            return None
        spans = kept_spans(
            self.stays.grid.held,
            self.stays.cue,
            request.brief.timeline.length_samples,
            self.earlier.request.brief.dialogue,
            request.brief.dialogue,
        )
        return KeptSound(files, spans)

    def to_play(self, cue: Cue, sound: KeptSound | None) -> Cue:
        """What of `cue` has to be played, for the sound that stays."""
        return needed(cue, sound.spans) if sound is not None else cue

    def told(self, sound: KeptSound | None, length_samples: int) -> str:
        """What a user should know of what stayed: a sentence."""
        spans: tuple[KeptSpan, ...] = sound.spans if sound is not None else ()
        share = sum(span.last - span.first for span in spans) / length_samples
        grid = self.stays.grid
        return (
            f"Conformed: {grid.bars_held} of {grid.bars_now} bars stayed as they were, "
            f"{share:.0%} of the sound is the earlier take's, sample for sample."
        )

    def off_level(self, loudness_lufs: float, target_lufs: float) -> tuple[str, ...]:
        """A sentence where the cue is far from its level, being played at the earlier gain."""
        off = loudness_lufs - target_lufs
        if abs(off) < _HEARD_DB:
            return ()
        return (
            f"It is {abs(off):.1f} dB {'louder' if off > 0 else 'quieter'} than the "
            f"{target_lufs:g} LUFS meant: what stayed keeps its level, and what is new goes with "
            "it. Score the range anew to have it at its level.",
        )


def rework(earlier: EarlierTake, request: ScoreRequest) -> Rework | None:
    """What of `earlier` can stay in the music for `request`; None where that is nothing."""
    path = earlier.inside(CUE_FILE)
    made = earlier.take.provenance
    if (
        path is None
        or request.loop
        or (made.engine, made.engine_version) != (*(engine.NAME, engine.VERSION),)
    ):
        return None
    try:
        composed = read_json(path, ComposedCue)
    except InputError:
        return None
    cue = composed.cue
    film = earlier.film
    grid = hold(
        cue.tempo,
        cue.length_s,
        request.length_seconds,
        film,
        earlier.take.rate,
        request.brief.timeline.rate,
        [cue.tempo.seconds(hit.beat) for hit in cue.hits],
    )
    if grid is None:
        return None
    return Rework(earlier, Stays(cue, grid, request.length_seconds), composed.gain_db)
