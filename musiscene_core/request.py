"""ScoreRequest: a brief and what the user wants made of it."""

from __future__ import annotations

import math
from typing import Literal

import msgspec

from musiscene_core.brief import Mode, SceneBrief
from musiscene_core.errors import RequestError

CaptionStrategy = Literal["fusion", "video", "music", "scene_imagination", "music_conditions"]
LicenceNeed = Literal["any", "commercial"]

LOUDNESS_UNDER_DIALOGUE_LUFS = -19.0
LOUDNESS_STANDALONE_LUFS = -16.0
MAX_TRUE_PEAK_DBTP = -1.5
MAX_TAKES = 16


class ScoreRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A wish for music.

    Attributes:
        brief: the scene, its captions as edited.
        engine: name of the engine; a request never falls to another.
        caption_strategy: which caption steers the engine.
        takes: how many different takes.
        seed: the first take's seed; take i uses seed + i.
        tempo_bpm: hold this tempo; None lets the engine choose.
        tonic: hold this key, pitch class from C = 0; None lets the engine choose.
        mode: major or minor to go with `tonic`; None lets the engine choose.
        hits: cue frames the music must meet; None lets the engine choose among the candidates.
        loudness_lufs: integrated loudness of the mix; None is -19 under dialogue, else -16.
        licence: what the music will be used for.
        schema_version: of this struct.
    """

    brief: SceneBrief
    engine: str = "composer"
    caption_strategy: CaptionStrategy = "fusion"
    takes: int = 1
    seed: int = 0
    tempo_bpm: float | None = None
    tonic: int | None = None
    mode: Mode | None = None
    hits: tuple[int, ...] | None = None
    loudness_lufs: float | None = None
    licence: LicenceNeed = "any"
    schema_version: int = 1

    def __post_init__(self) -> None:
        length = self.brief.timeline.record.length
        wrong = (
            (not 1 <= self.takes <= MAX_TAKES, f"Takes must be 1 to {MAX_TAKES}."),
            (not 0 <= self.seed < 2**63, "The seed must be a whole number from 0 up."),
            (not _within(self.tempo_bpm, 30, 300), "The tempo must be 30 to 300 BPM."),
            (not _within(self.tonic, 0, 11), "The key must be one of the twelve notes."),
            (not _within(self.loudness_lufs, -40, -6), "The loudness must be -40 to -6 LUFS."),
            (
                any(not 0 <= frame < length for frame in self.hits or ()),
                "A hit point lies outside the range.",
            ),
        )
        for failed, message in wrong:
            if failed:
                raise RequestError(message)

    @property
    def target_lufs(self) -> float:
        """The loudness to deliver."""
        if self.loudness_lufs is not None:
            return self.loudness_lufs
        return LOUDNESS_UNDER_DIALOGUE_LUFS if self.brief.dialogue else LOUDNESS_STANDALONE_LUFS


def _within(value: float | None, low: float, high: float) -> bool:
    return value is None or (math.isfinite(value) and low <= value <= high)
