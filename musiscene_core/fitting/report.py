"""RenderReport: how a take was generated and laid on picture, in figures, beside its sound."""

from __future__ import annotations

from pathlib import Path

import msgspec

from musiscene_core.codec import read_json
from musiscene_core.cue import StemRole
from musiscene_core.fitting.drift import Drift
from musiscene_core.fitting.places import PlaceKind
from musiscene_core.remixing.fitted import Stretch
from musiscene_core.take import RENDER_FILE


class WindowMade(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch that was generated at once.

    Attributes:
        start_s: where it begins, in seconds of the recording as generated.
        end_s: the same.
        section: of the form; empty where none was told.
        prompt: what the model was told.
        heard: tempo and key as they were heard, in words.
        scores: of each candidate, 0 to 1; below 0 for one that drifted too far.
        reasons: of each candidate, why it stands where it stands.
        chosen: index of the one that was taken.
        drift: of that one from the first stretch; None for the first itself.
        level_db: by how much its level was matched to the first.
        colour_db: the largest change in any third octave.
        on_beat: whether it begins on a beat that was heard.
    """

    start_s: float
    end_s: float
    section: str
    prompt: str
    heard: str
    scores: tuple[float, ...]
    reasons: tuple[str, ...]
    chosen: int
    drift: Drift | None = None
    level_db: float = 0.0
    colour_db: float = 0.0
    on_beat: bool = False


class HitMoved(msgspec.Struct, frozen=True, kw_only=True):
    """A hit point and the music at it.

    Attributes:
        frame: cue frame of the hit.
        label: what happens there.
        met: whether a place of the music was brought onto it.
        before_ms: nearest place minus hit in the music as it was generated.
        before_frames: the same in frames.
        after_ms: nearest place minus hit in the take, as the beats were counted.
        after_frames: the same in frames.
        percent: how much the music before it was stretched; above 0: longer.
        place: what that place is: a bar line, a beat, a half beat on which something is struck, or
            an attack where there are no beats; None where the music has none.
        struck_ms: the attack that is heard nearest it in the finished music, minus the hit; None
            where none is within 120 ms.
        struck_frames: the same in frames.
    """

    frame: int
    label: str
    met: bool
    before_ms: float
    before_frames: float
    after_ms: float
    after_frames: float
    percent: float
    place: PlaceKind | None = None
    struck_ms: float | None = None
    struck_frames: float | None = None


class SketchAgreement(msgspec.Struct, frozen=True, kw_only=True):
    """How a render goes with the sketch that it was made from.

    Attributes:
        use: what the sketch was used for: "guide" or "layer".
        melody: whether the model heard the sketch's melody, or only its tempo and key in words.
        beats: how many beats the sketch has within the range.
        near: how many of them have a beat of the render within 70 ms.
        median_ms: distance of the sketch's beats from the render's nearest, at the median.
        bars_met: how many of its bar lines a beat of the render was brought onto.
        bars: how many it has.
        chroma: cosine likeness of the pitch classes bar by bar, at the mean, 0 to 1.
    """

    use: str
    melody: bool
    beats: int
    near: int
    median_ms: float
    bars_met: int
    bars: int
    chroma: float


class StemMade(msgspec.Struct, frozen=True, kw_only=True):
    """A stem that was generated on its own.

    Attributes:
        role: which.
        followed: whether the model heard the composer's part for it, or only words.
        seconds: its share of what generating all of them took, for all takes of the request.
        gain_db: by which it was brought to its place among the stems.
        beats: how many are heard in it; 0 where none are, or none in the music.
        near: how many of them have a beat of the music within 70 ms.
    """

    role: StemRole
    followed: bool
    seconds: float
    gain_db: float = 0.0
    beats: int = 0
    near: int = 0


class RenderReport(msgspec.Struct, frozen=True, kw_only=True):
    """How a take was made.

    Attributes:
        windows: what was generated, in order.
        hits: what became of the chosen hits.
        stretches: what was made longer or shorter.
        begin_s: where the recording is entered.
        accent_s: the last accent, in seconds of the take; None where the music only dies away.
        separation: how the stems were taken apart, in a sentence, with what to expect of them.
        sketch: how it goes with its sketch; None without one.
        first_sound_s: from the beginning of the writing until there was something to hear.
        stems: those that were generated on their own; none where the music was taken apart.
        schema_version: of this struct.
    """

    windows: tuple[WindowMade, ...]
    hits: tuple[HitMoved, ...]
    stretches: tuple[Stretch, ...]
    begin_s: float
    accent_s: float | None
    separation: str = ""
    sketch: SketchAgreement | None = None
    first_sound_s: float = 0.0
    stems: tuple[StemMade, ...] = ()
    schema_version: int = 1


def read_render(take_folder: Path) -> RenderReport | None:
    """The report kept beside a take; None where there is none.

    Raises:
        InputError: it is damaged.
    """
    path = take_folder / RENDER_FILE
    return read_json(path, RenderReport) if path.exists() else None
