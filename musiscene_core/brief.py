"""SceneBrief: what spotting found in a TimelineRange, and the captions an editor may edit.

Times are cue time: frame 0 and second 0 are the range's first frame. A brief stays below about
1 MB however long the range: curves are sampled, never per frame.
"""

from __future__ import annotations

import hashlib
import math
from typing import TYPE_CHECKING, Literal

import msgspec

from musiscene_core.timeline import TimelineRange

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

Transition = Literal["start", "cut", "dissolve", "fade"]
HitKind = Literal["cut", "motion", "dialogue_end", "marker"]
CaptionOrigin = Literal["signals", "model", "user"]
LineOrigin = Literal["subtitle", "model", "user"]
StageName = Literal["frames", "vision", "emotion", "separation", "speech", "speakers"]
StageState = Literal["done", "skipped", "failed"]
Mode = Literal["major", "minor"]

DIMENSIONS = (
    "amusing",
    "annoying",
    "anxious",
    "beautiful",
    "calm",
    "dreamy",
    "energising",
    "erotic",
    "indignant",
    "joyful",
    "sad",
    "scary",
    "triumphant",
)
"""Cowen et al. 2020: the 13 dimensions of what music makes us feel."""


def mark_of(text: str) -> str:
    """A short mark by which it is known whether `text` was changed since; empty for no text."""
    return hashlib.sha256(text.encode()).hexdigest()[:10] if text else ""


class Curve(msgspec.Struct, frozen=True):
    """A quantity over cue time.

    Attributes:
        hop_s: seconds between values; value i stands for [i * hop_s, (i + 1) * hop_s).
        values: one number a hop.
    """

    hop_s: float
    values: tuple[float, ...]

    def at(self, time_s: float) -> float:
        """The value at `time_s`, held at both ends; 0 for an empty curve."""
        if not self.values:
            return 0.0
        index = int(time_s / self.hop_s)
        return self.values[min(len(self.values) - 1, max(0, index))]

    def array(self) -> npt.NDArray[np.float64]:
        """The values as an array [n]."""
        # Here and not above: the socket process knows briefs too, and starts twice as fast without.
        import numpy as np

        return np.asarray(self.values, dtype=np.float64)

    def mean(self, start_s: float, end_s: float) -> float:
        """The mean over [start_s, end_s); the value at `start_s` where that is under a hop."""
        first, last = int(start_s / self.hop_s), math.ceil(end_s / self.hop_s)
        part = self.values[max(0, first) : max(first + 1, last)]
        return sum(part) / len(part) if part else self.at(start_s)


class Shot(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One shot.

    Attributes:
        start_frame: its first frame, in cue frames.
        end_frame: the frame after its last.
        transition: how it begins.
        motion: mean motion energy, 0 (still) to 1.
        brightness: mean luma, 0 to 1.
        warmth: -1 (cold) to 1 (warm).
        saturation: 0 to 1.
        clip: name of the timeline clip it lies in, empty in a gap.
    """

    start_frame: int
    end_frame: int
    transition: Transition = "cut"
    motion: float = 0.0
    brightness: float = 0.0
    warmth: float = 0.0
    saturation: float = 0.0
    clip: str = ""


class PictureCurves(msgspec.Struct, frozen=True, kw_only=True):
    """What the picture does over time, all on one hop.

    Attributes:
        motion: motion energy (optical-flow speed relative to the frame), 0 to 1.
        saliency: sudden change of motion, 0 to 1.
        brightness: mean luma, 0 to 1.
        warmth: -1 (cold) to 1 (warm).
        saturation: 0 to 1.
        cut_rate: cuts a minute, smoothed over 10 s.
    """

    motion: Curve
    saliency: Curve
    brightness: Curve
    warmth: Curve
    saturation: Curve
    cut_rate: Curve


class DialogueRegion(msgspec.Struct, frozen=True, kw_only=True):
    """Someone speaks.

    Attributes:
        start_s: cue time in seconds.
        end_s: cue time in seconds.
        confidence: mean speech probability, 0 to 1.
    """

    start_s: float
    end_s: float
    confidence: float = 1.0


SURE = 0.35
"""Confidence from which a measured tempo or key is stated, and followed."""


class TempTrack(msgspec.Struct, frozen=True, kw_only=True):
    """What the temp track sounds like.

    Attributes:
        present: whether music was heard at all.
        tempo_bpm: beats a minute; 0 where unknown.
        tempo_confidence: 0 to 1.
        beats_s: beat times in cue seconds.
        key: tonic in pitch classes from C = 0; None where unknown.
        mode: major or minor; None where unknown.
        key_confidence: 0 to 1.
        energy: loudness over time, 0 to 1.
    """

    present: bool = False
    tempo_bpm: float = 0.0
    tempo_confidence: float = 0.0
    beats_s: tuple[float, ...] = ()
    key: int | None = None
    mode: Mode | None = None
    key_confidence: float = 0.0
    energy: Curve = Curve(hop_s=0.5, values=())


class HitPoint(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A moment the music may meet.

    Attributes:
        frame: cue frame.
        kind: what happens there.
        strength: 0 to 1.
        rank: 1 is the one most worth meeting.
        label: what a user would call it, for example a marker's name.
    """

    frame: int
    kind: HitKind
    strength: float
    rank: int
    label: str = ""


class EmotionPoint(msgspec.Struct, frozen=True, kw_only=True):
    """The scene's feeling at one time.

    Attributes:
        time_s: cue time in seconds.
        valence: -1 (unpleasant) to 1 (pleasant).
        arousal: -1 (calm) to 1 (excited).
        weights: one a dimension in DIMENSIONS order, 0 or more, summing to 1.
    """

    time_s: float
    valence: float
    arousal: float
    weights: tuple[float, ...]


class EmotionCurve(msgspec.Struct, frozen=True, kw_only=True):
    """The scene's feeling over time.

    Attributes:
        hop_s: seconds between points.
        dimensions: names of the weights.
        points: from the range's beginning to its end.
        edited: whether a user drew it; it then leads over what signals say.
    """

    hop_s: float
    points: tuple[EmotionPoint, ...]
    dimensions: tuple[str, ...] = DIMENSIONS
    edited: bool = False

    def at(self, time_s: float) -> EmotionPoint:
        """The point that holds at `time_s`."""
        index = int(time_s / self.hop_s)
        return self.points[min(len(self.points) - 1, max(0, index))]


class Level(msgspec.Struct, frozen=True, kw_only=True):
    """How loud the music is to be at one time.

    Attributes:
        time_s: cue time in seconds.
        level: 0 (silent) to 1 (as loud as it gets).
    """

    time_s: float
    level: float


class MusicDirections(msgspec.Struct, frozen=True, kw_only=True):
    """Concrete musical directions, in fields that can be checked and compared.

    What Herrmann-1's language model writes as a paragraph (Haseeb et al. 2023, section 3.3).

    Attributes:
        words: what the music sounds like, as a prompt for a text-to-music model.
        tempo_bpm: beats a minute.
        tonic: pitch class from C = 0.
        mode: major or minor; None where the key leaves it open.
        instruments: their names.
        dynamics: how loud it is, in order of time; empty where that is left open.
        themes: what it expresses, a few words each.
    """

    words: str
    tempo_bpm: float
    tonic: int
    mode: Mode | None = None
    instruments: tuple[str, ...] = ()
    dynamics: tuple[Level, ...] = ()
    themes: tuple[str, ...] = ()


class HowWritten(msgspec.Struct, frozen=True, kw_only=True):
    """How a text came about: enough to judge it, to ask again, and to ask otherwise.

    Attributes:
        writer: the captioner or language model that wrote it; "signals" where rules did.
        version: of the writer.
        model: what its weights are known by: a fingerprint, or a server's name for them.
        place: where the model was asked, if not in MusiScene's own process.
        prompt: word for word what the model was sent; empty where none was asked.
        settings: what it was told besides, by name: temperature, top_p, seed and their like.
        adapters: house adapters in use, and their weights.
        raw: the answer before cleaning; empty where cleaning changed nothing.
        wrote: the text as it was first, by which a later edit is known.
        notes: what else a reader must know, a sentence each.
        directions: the fields that the text was put together from; None where it is only words.
    """

    writer: str
    version: str = ""
    model: str = ""
    place: str = ""
    prompt: str = ""
    settings: tuple[tuple[str, int | float], ...] = ()
    adapters: tuple[tuple[str, float], ...] = ()
    raw: str = ""
    wrote: str = ""
    notes: tuple[str, ...] = ()
    directions: MusicDirections | None = None


class Caption(msgspec.Struct, frozen=True, omit_defaults=True):
    """A text about the scene or its music.

    Attributes:
        text: the words.
        origin: who wrote it.
        edited: whether a user changed it since.
        how: how it was written; None where nobody noted it, or where a stage's report tells it of
            all that the stage wrote.
        written: mark_of the text as it was first, where `how` does not keep it.
    """

    text: str = ""
    origin: CaptionOrigin = "signals"
    edited: bool = False
    how: HowWritten | None = None
    written: str = ""


class Captions(msgspec.Struct, frozen=True, kw_only=True):
    """The texts that steer the music.

    Attributes:
        video: what is seen.
        music: what the temp track sounds like.
        scene_imagination: the scene that the temp track's music imagines (MusiScene).
        fusion: picture and temp track in one description of the wanted music.
        music_conditions: concrete musical directions (Herrmann-1).
    """

    video: Caption = Caption()
    music: Caption = Caption()
    scene_imagination: Caption = Caption()
    fusion: Caption = Caption()
    music_conditions: Caption = Caption()


class SceneFrame(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A frame that stands for what is seen around it.

    Attributes:
        frame: cue frame.
        shot: the index of its shot.
        sharpness: 0 (blurred) to 1, among the frames of its scene.
        faces: how many are seen.
        caption: what it shows; empty where nothing described it.
        feelings: one weight a dimension in DIMENSIONS order, summing to 1; empty where nothing
            judged it.
    """

    frame: int
    shot: int
    sharpness: float = 0.0
    faces: int = 0
    caption: Caption = Caption()
    feelings: tuple[float, ...] = ()


class SpokenLine(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What someone says.

    Attributes:
        start_s: cue time in seconds.
        end_s: cue time in seconds.
        text: the words.
        speaker: a name, or "Speaker 00" and on where only turns are known; empty where nobody
            told them apart.
        language: of the words, as in BCP 47; empty where unknown.
        origin: a subtitle of the timeline, a model that heard it, or the user.
        words_s: when each word of `text` begins, in cue seconds; empty where unknown.
        written: mark_of the text as a model wrote it; empty where none did.
    """

    start_s: float
    end_s: float
    text: str
    speaker: str = ""
    language: str = ""
    origin: LineOrigin = "subtitle"
    words_s: tuple[float, ...] = ()
    written: str = ""


class StageReport(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a step of watching or listening.

    Attributes:
        stage: which.
        state: whether it was done.
        by: the model or method that did it.
        message: why it was not done and what would enable it, or what to know of how it was.
        how: how all that it wrote was written; None where it wrote nothing.
    """

    stage: StageName
    state: StageState
    by: str = ""
    message: str = ""
    how: HowWritten | None = None


class SceneBrief(msgspec.Struct, frozen=True, kw_only=True):
    """Everything the composer, or any engine, knows of the scene.

    Attributes:
        timeline: the range it is about.
        shots: in order, abutting, from cue frame 0 to the range's length.
        curves: what the picture does; None where there is no picture.
        dialogue: where someone speaks, in order.
        temp_track: what the temp track sounds like.
        hit_points: candidates in order of time.
        emotion_curve: the scene's feeling.
        captions: the texts.
        frames: what stands for the picture, in order of time.
        lines: what is said, in order of time.
        stages: what became of each step that takes a model, in the order of the steps.
        warnings: what could not be watched or heard, a sentence each.
        schema_version: of this struct.
    """

    timeline: TimelineRange
    shots: tuple[Shot, ...]
    curves: PictureCurves | None
    dialogue: tuple[DialogueRegion, ...]
    temp_track: TempTrack
    hit_points: tuple[HitPoint, ...]
    emotion_curve: EmotionCurve
    captions: Captions
    frames: tuple[SceneFrame, ...] = ()
    lines: tuple[SpokenLine, ...] = ()
    stages: tuple[StageReport, ...] = ()
    warnings: tuple[str, ...] = ()
    schema_version: int = 1


def music_words(captions: Captions, temp_track: TempTrack) -> str:
    """The music's caption; empty where rules wrote it to say that there is no temp track."""
    music = captions.music
    said_of_nothing = music.origin == "signals" and not music.edited and not temp_track.present
    return "" if said_of_nothing else music.text


def blank_brief(timeline: TimelineRange) -> SceneBrief:
    """A brief of a range that nobody has watched."""
    return SceneBrief(
        timeline=timeline,
        shots=(),
        curves=None,
        dialogue=(),
        temp_track=TempTrack(),
        hit_points=(),
        emotion_curve=EmotionCurve(hop_s=1.0, points=()),
        captions=Captions(),
    )
