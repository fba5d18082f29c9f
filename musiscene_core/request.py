"""Requests: what a user wants made, checked when it is made.

A ScoreRequest is the one way to ask for music: a ComposeRequest is sketched into one
(musiscene_core.sketch), a ConformRequest carries one over to a changed range
(musiscene_core.conforming).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from fractions import Fraction
from itertools import pairwise
from types import MappingProxyType
from typing import Literal, get_args

import msgspec

from musiscene_core.brief import Mode, SceneBrief
from musiscene_core.errors import RequestError
from musiscene_core.sampling import USUAL, Sampling
from musiscene_core.themes import ThemeBook, ThemeUse, check_uses
from musiscene_core.timecode import FrameRate
from musiscene_core.timeline import MediaReference, TimelineRange

CaptionStrategy = Literal["fusion", "video", "music", "scene_imagination", "music_conditions"]
"""The name of a caption, as in brief.Captions."""
CAPTION_STRATEGIES: tuple[CaptionStrategy, ...] = get_args(CaptionStrategy)
GenerationProfile = Literal["steady", "inference", "evaluation"]
"""How freely a captioner chooses its words; captioning.generation says what each means."""
LanguageUse = Literal["auto", "model", "rules"]
"""Who writes what takes a language model: one where one is set up, surely one, or surely none."""
SIGNALS = "signals"
"""The captioner that is always there: it measures, and no model listens."""
NANO = "nano"
"""The small model that comes with MusiScene."""
LicenceNeed = Literal["any", "commercial"]
SketchUse = Literal["off", "guide", "layer"]
"""What becomes of the composer's cue where another engine makes the sound: nothing, a guide to its
beats and melody, or a guide that also sounds, on stems of its own."""
MelodySource = Literal["sketch", "temp"]
"""Whose melody a model that hears one follows: the sketch's, or the temp track's."""
StemDetail = Literal["roles", "instruments", "generated"]
"""What a stem is: all that plays one role, or all that one instrument plays in it; or a role's part
generated on its own, by an engine that would otherwise take its music apart."""
AlternateName = Literal["no-melody", "no-drums", "underscore", "60s", "30s", "15s", "stinger"]
"""Other versions of a take's music."""
ALTERNATES: tuple[AlternateName, ...] = get_args(AlternateName)
CUT_DOWNS_S: Mapping[AlternateName, int] = MappingProxyType({"60s": 60, "30s": 30, "15s": 15})
"""Seconds of each cut-down."""
SHORTEST_LOOP_S = 2.0

LOUDNESS_UNDER_DIALOGUE_LUFS = -19.0
LOUDNESS_STANDALONE_LUFS = -16.0
MAX_TRUE_PEAK_DBTP = -1.5
MAX_TAKES = 16
SHORTEST_BAR_S, LONGEST_BAR_S = 0.6, 10.0
"""What a held bar may last: 2 beats at 200 BPM to 5 at 30."""
MAX_MOOD = 2_000
"""Characters that describe a mood."""

_PLAIN_RATES = (24, 25, 30)
_MILLISECONDS = 1000


class HeldBar(msgspec.Struct, frozen=True):
    """A bar line that stays where it is.

    Attributes:
        bar: number of the bar that begins there.
        frame: cue frame.
    """

    bar: int
    frame: int


class MusicFile(msgspec.Struct, frozen=True, kw_only=True):
    """Music that exists, for an engine that works from it.

    Attributes:
        media: the file, an absolute path on the daemon's machine.
        bar_line_s: where one of its bars begins, in its own seconds; None lets the engine listen.
        beats_per_bar: its metre; None lets the engine listen.
        keep_beginning: the result begins as it begins.
    """

    media: MediaReference
    bar_line_s: float | None = None
    beats_per_bar: int | None = None
    keep_beginning: bool = False

    def __post_init__(self) -> None:
        if not self.media.path:
            raise RequestError("The music has no file.", hint="Name one that is there.")
        if not _within(self.bar_line_s, 0, 86_400):
            raise RequestError("The bar line must be a time in the music, in seconds.")
        if not _within(self.beats_per_bar, 2, 12):
            raise RequestError("A bar must have 2 to 12 beats.")


class MusicWish(msgspec.Struct, frozen=True, kw_only=True):
    """What can be wished of any music, whatever it is for.

    Attributes:
        engine: name of the engine; a request never falls to another.
        model: which of the engine's models; empty for the one it takes unasked.
        takes: how many different takes.
        seed: the first take's seed; take i uses seed + i.
        tempo_bpm: hold this tempo; None lets the engine choose.
        tonic: hold this key, pitch class from C = 0; None lets the engine choose.
        mode: major or minor to go with `tonic`; None lets the engine choose.
        hits: cue frames the music must meet; None lets the engine choose among the candidates.
        bars: bar lines to hold, for example those of music that was made before, in order.
        loudness_lufs: integrated loudness of the mix; None is -19 under dialogue, else -16.
        licence: what the music will be used for.
        sounds: an SF2 or SF3 file whose sounds to play with, an absolute path on the daemon's
            machine; empty for the engine's own.
        idiom: name of the style to write in; None lets words and scene choose.
        stems: a stem a role, or a stem an instrument; or each role generated on its own.
        loop: whole bars of one tempo, the end's tails in the beginning, to be played round.
        alternates: which other versions of each take to make too; cut-downs of at least the
            range's length are passed over with a warning.
        alternate_stems: whether alternates that play anew have stems of their own.
        music: the file to work from, for engines that take one; `tempo_bpm` is then its tempo.
        sketch: what becomes of the composer's cue, for engines that render one.
        melody: whose melody to follow, for engines that hear one.
        sampling: how tokens are drawn, for engines that write such.
        critic: the captioner by whose words several takes are ranked; empty has nobody rank them.
    """

    engine: str = "composer"
    model: str = ""
    takes: int = 1
    seed: int = 0
    tempo_bpm: float | None = None
    tonic: int | None = None
    mode: Mode | None = None
    hits: tuple[int, ...] | None = None
    bars: tuple[HeldBar, ...] = ()
    loudness_lufs: float | None = None
    licence: LicenceNeed = "any"
    sounds: str = ""
    idiom: str | None = None
    stems: StemDetail = "roles"
    loop: bool = False
    alternates: tuple[AlternateName, ...] = ()
    alternate_stems: bool = False
    music: MusicFile | None = None
    critic: str = SIGNALS
    sketch: SketchUse = "guide"
    melody: MelodySource = "sketch"
    sampling: Sampling = USUAL

    def __post_init__(self) -> None:
        wrong = (
            (not 1 <= self.takes <= MAX_TAKES, f"Takes must be 1 to {MAX_TAKES}."),
            (not 0 <= self.seed < 2**63, "The seed must be a whole number from 0 up."),
            (not _within(self.tempo_bpm, 30, 300), "The tempo must be 30 to 300 BPM."),
            (not _within(self.tonic, 0, 11), "The key must be one of the twelve notes."),
            (not _within(self.loudness_lufs, -40, -6), "The loudness must be -40 to -6 LUFS."),
            (
                any(not 0 <= frame < self.length_frames for frame in self.hits or ()),
                "A hit point lies outside the range: give one from In to the frame before Out.",
            ),
            (
                len(set(self.alternates)) != len(self.alternates),
                "An alternate is asked for twice.",
            ),
            (
                self.loop and self.length_seconds < SHORTEST_LOOP_S,
                f"A loop lasts {SHORTEST_LOOP_S:g} s or more.",
            ),
            (
                self.loop and bool(self.bars),
                "A loop has whole bars of one tempo, so no bar line can be held.",
            ),
        )
        for failed, message in wrong:
            if failed:
                raise RequestError(message)
        self._check_bars()

    def _check_bars(self) -> None:
        if any(not 0 <= held.frame < self.length_frames for held in self.bars):
            raise RequestError("A held bar begins outside the range.")
        for before, after in pairwise(self.bars):
            bars = after.bar - before.bar
            seconds = (after.frame - before.frame) * self.length_seconds / self.length_frames
            if bars < 1 or not SHORTEST_BAR_S <= seconds / bars <= LONGEST_BAR_S:
                raise RequestError(
                    f"Bars {before.bar} and {after.bar} cannot be held {seconds:.2f} s apart.",
                    hint=f"Name bars in order, {SHORTEST_BAR_S:g} to {LONGEST_BAR_S:g} s each.",
                )

    @property
    def length_frames(self) -> int:
        """How long the music shall be, in frames."""
        raise NotImplementedError

    @property
    def length_seconds(self) -> float:
        """The same in seconds."""
        raise NotImplementedError


class ScoreRequest(MusicWish, frozen=True, kw_only=True):
    """A brief and what the user wants made of it.

    Attributes:
        brief: the scene, its captions as edited.
        caption_strategy: which caption steers the engine.
        themes: which of the film's themes to use, and how; the first leads.
        theme_book: the book they are in.
        schema_version: of this struct.
    """

    brief: SceneBrief
    caption_strategy: CaptionStrategy = "fusion"
    themes: tuple[ThemeUse, ...] = ()
    theme_book: ThemeBook | None = None
    schema_version: int = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        check_uses(self.themes, self.theme_book, self.length_frames)

    @property
    def length_frames(self) -> int:
        """The range's length in frames."""
        return self.brief.timeline.record.length

    @property
    def length_seconds(self) -> float:
        """The range's length in seconds."""
        return self.brief.timeline.length_seconds

    @property
    def target_lufs(self) -> float:
        """The loudness to deliver."""
        if self.loudness_lufs is not None:
            return self.loudness_lufs
        return LOUDNESS_UNDER_DIALOGUE_LUFS if self.brief.dialogue else LOUDNESS_STANDALONE_LUFS


class ComposeRequest(MusicWish, frozen=True, kw_only=True):
    """A cue without any picture, from words.

    Attributes:
        mood: what it shall feel like, in order: "tense, then triumphant".
        frames: its length, in frames at `rate`.
        rate: the frame rate in which its length and hits count.
        cue: what it is called; empty for the mood's own words.
        schema_version: of this struct.
    """

    mood: str
    frames: int
    rate: FrameRate
    cue: str = ""
    schema_version: int = 1

    def __post_init__(self) -> None:
        if not any(letter.isalnum() for letter in self.mood):
            raise RequestError(
                "The mood says nothing.", hint='Describe it, for example "tense, then triumphant".'
            )
        if len(self.mood) > MAX_MOOD:
            raise RequestError(f"The mood has more than {MAX_MOOD} characters.", hint="Shorten it.")
        if self.frames < 1:
            raise RequestError(
                "The cue would have no length.", hint="Ask for more than a frame of music."
            )
        super().__post_init__()

    @property
    def length_frames(self) -> int:
        """The cue's length in frames."""
        return self.frames

    @property
    def length_seconds(self) -> float:
        """The cue's length in seconds."""
        return float(self.rate.seconds(self.frames))


class CaptionRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A brief whose captions shall be written anew.

    Attributes:
        brief: the scene, its captions as edited.
        only: which captions to write; empty for all that can be written.
        keep_edited: leave those that a user changed as they are.
        captioner: who listens to the temp track; "signals" goes by what is measured.
        language: who writes fusion and music conditions.
        profile: how freely the captioner chooses its words.
        seed: the same seed asks for the same words.
        adapters: the captioner's house adapters by name, each with its weight.
        schema_version: of this struct.
    """

    brief: SceneBrief
    only: tuple[CaptionStrategy, ...] = ()
    keep_edited: bool = True
    captioner: str = SIGNALS
    language: LanguageUse = "auto"
    profile: GenerationProfile = "steady"
    seed: int = 0
    adapters: tuple[tuple[str, float], ...] = ()
    schema_version: int = 1


class ConformRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Music that was made for a range that has changed since.

    Attributes:
        request: what the music was made from.
        timeline: the range as it is now.
        earlier: the folder of the take itself, an absolute path on the daemon's machine: what can
            stay of it stays; empty where all is to be made anew.
        schema_version: of this struct.
    """

    request: ScoreRequest
    timeline: TimelineRange
    earlier: str = ""
    schema_version: int = 1


def engine_and_model(text: str) -> tuple[str, str]:
    """Read "musicgen", or "musicgen:medium" where one of its models is meant."""
    engine, _, model = text.partition(":")
    return engine.strip(), model.strip()


def frames_of(seconds: Fraction | float, rate: FrameRate | None = None) -> tuple[int, FrameRate]:
    """A length in seconds as a whole number of frames, and the rate they count in.

    Args:
        seconds: the length.
        rate: the frame rate; None takes the first of 24, 25, 30 and 1000 that is exact, 1000
            (milliseconds, 48 samples each) where none is.

    Raises:
        RequestError: not a length, or shorter than half a frame.
    """
    if not math.isfinite(seconds) or seconds <= 0:
        raise RequestError("The length must be above 0 s.", hint="Give it in seconds, such as 60.")
    exact = Fraction(str(seconds)) if isinstance(seconds, float) else seconds
    if rate is None:
        fits = (plain for plain in _PLAIN_RATES if (exact * plain).denominator == 1)
        rate = FrameRate(next(fits, _MILLISECONDS))
    frames = rate.frame_nearest(exact)
    if frames < 1:
        raise RequestError(
            f"{float(seconds):g} s is less than a frame.", hint="Ask for a longer cue."
        )
    return frames, rate


def _within(value: float | None, low: float, high: float) -> bool:
    return value is None or (math.isfinite(value) and low <= value <= high)
