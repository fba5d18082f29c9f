"""Plain words about a scene, written from its signals: what an editor reads first, and edits.

The texts say only what was measured. The picture models and the captioner write richer ones.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np

from musiscene_core import temp_tempo
from musiscene_core.brief import (
    DIMENSIONS,
    SURE,
    Caption,
    Captions,
    DialogueRegion,
    EmotionCurve,
    HowWritten,
    PictureCurves,
    SceneBrief,
    Shot,
    TempTrack,
)
from musiscene_core.request import SIGNALS
from musiscene_core.spotting.edits import frames_marked, lines_marked
from musiscene_core.spotting.emotion import emotion_curve

VERSION = "1"
NOTE_NAMES = ("C", "C♯", "D", "E♭", "E", "F", "F♯", "G", "A♭", "A", "B♭", "B")

MUSIC_FOR = {
    "amusing": "light, playful",
    "annoying": "restless",
    "anxious": "tense, uneasy",
    "beautiful": "warm, lyrical",
    "calm": "calm, spacious",
    "dreamy": "dreamy, floating",
    "energising": "driving, energetic",
    "erotic": "slow, sensuous",
    "indignant": "hard, defiant",
    "joyful": "bright, joyful",
    "sad": "sad, restrained",
    "scary": "dark, threatening",
    "triumphant": "broad, triumphant",
}
"""A feeling to the music that has it."""


def captions(
    length_s: float,
    shots: Sequence[Shot],
    curves: PictureCurves | None,
    dialogue: Sequence[DialogueRegion],
    temp_track: TempTrack,
    emotion: EmotionCurve,
) -> Captions:
    """The captions that signals can support: picture, temp track, and both as a wish for music."""
    video = _video(length_s, shots, curves, dialogue)
    music = _music(temp_track)
    return Captions(
        video=by_rule(video),
        music=by_rule(music),
        fusion=by_rule(_fusion(emotion, temp_track)),
    )


def by_rule(text: str, *notes: str) -> Caption:
    """A text that rules wrote from what was measured, told as such."""
    how = HowWritten(writer=SIGNALS, version=VERSION, wrote=text, notes=tuple(filter(None, notes)))
    return Caption(text, "signals", how=how)


def _video(
    length_s: float,
    shots: Sequence[Shot],
    curves: PictureCurves | None,
    dialogue: Sequence[DialogueRegion],
) -> str:
    spoken = sum(region.end_s - region.start_s for region in dialogue)
    speech = (
        f"Someone speaks for {spoken:.0f} of {length_s:.0f} seconds, in "
        f"{_count(len(dialogue), 'passage')}."
        if dialogue
        else "Nobody speaks."
    )
    if curves is None:
        return f"There is no picture. {speech}"
    sentences = [
        f"{_count(len(shots), 'shot').capitalize()} in {length_s:.0f} seconds"
        f"{_cutting(len(shots), length_s)}.",
        f"The picture is {_light(shots)}.",
        _movement(curves, length_s),
        speech,
    ]
    return " ".join(sentences)


def _count(number: int, noun: str) -> str:
    words = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
    word = words[number] if number < len(words) else str(number)
    return f"{word} {noun}{'' if number == 1 else 's'}"


def _cutting(shots: int, length_s: float) -> str:
    per_minute = (shots - 1) * 60 / max(length_s, 1.0)
    if shots == 1:
        return ""
    pace = "slow" if per_minute < 6 else "steady" if per_minute < 15 else "quick"
    return f", {pace} cutting" if per_minute < 30 else ", very fast cutting"


def _light(shots: Sequence[Shot]) -> str:
    lengths = np.array([shot.end_frame - shot.start_frame for shot in shots], dtype=float)

    def mean(values: list[float]) -> float:
        return float(np.average(values, weights=lengths))

    brightness = mean([shot.brightness for shot in shots])
    warmth = mean([shot.warmth for shot in shots])
    saturation = mean([shot.saturation for shot in shots])
    light = "dark" if brightness < 0.28 else "bright" if brightness > 0.58 else "evenly lit"
    colour = "cold" if warmth < -0.08 else "warm" if warmth > 0.08 else "neutral in colour"
    strength = "muted" if saturation < 0.2 else "vivid" if saturation > 0.5 else ""
    return ", ".join(word for word in (light, colour, strength) if word)


def _movement(curves: PictureCurves, length_s: float) -> str:
    motion = curves.motion.array()
    thirds = [float(part.mean()) for part in np.array_split(motion, 3) if part.size]
    mean, peak = float(motion.mean()), float(motion.max())
    level = "still" if mean < 0.08 else "gently moving" if mean < 0.25 else "full of movement"
    if peak > 2 * mean + 0.1:
        moment = int(np.argmax(motion)) * curves.motion.hop_s
        return f"It is {level}; the strongest movement comes at {clock(min(moment, length_s))}."
    if len(thirds) == 3 and thirds[2] > thirds[0] * 1.6 + 0.03:
        return f"It is {level}, and movement grows towards the end."
    if len(thirds) == 3 and thirds[0] > thirds[2] * 1.6 + 0.03:
        return f"It is {level}, and movement dies down towards the end."
    return f"It is {level} throughout."


def _music(temp: TempTrack) -> str:
    if not temp.present:
        return "There is no temp track."
    facts = [*tempo_and_key(temp)]
    energy = temp.energy.array()
    if energy.size >= 3:
        first, last = (
            float(energy[: energy.size // 3].mean()),
            float(energy[-energy.size // 3 :].mean()),
        )
        shape = "grows" if last > first + 0.12 else "fades" if last < first - 0.12 else "holds"
        facts.append({"grows": "growing louder", "fades": "growing softer"}.get(shape, "steady"))
    return f"The temp track is {', '.join(facts)}." if facts else "There is a temp track."


def tempo_and_key(temp: TempTrack) -> list[str]:
    """What is surely known of a temp track's tempo and key, such as "at 120 BPM"."""
    facts = [f"at {temp.tempo_bpm:.0f} BPM"] if tempo_is_sure(temp) else []
    return facts + key_of(temp)


def tempo_is_sure(temp: TempTrack) -> bool:
    """Whether a temp track's tempo is known well enough to be told."""
    return bool(temp.tempo_bpm) and temp.tempo_confidence >= SURE


def key_of(temp: TempTrack) -> list[str]:
    """Such as "in D minor"; nothing where the key is not sure."""
    if temp.key is None or temp.key_confidence < SURE:
        return []
    return [f"in {NOTE_NAMES[temp.key]} {temp.mode}"]


def _fusion(emotion: EmotionCurve, temp: TempTrack) -> str:
    points = emotion.points
    first, *later = moods(emotion)
    mood = f"{MUSIC_FOR[first].capitalize()} music"
    if later and later[0] != first:
        mood += f" that turns {MUSIC_FOR[later[0]]}"
    arousal = np.array([point.arousal for point in points])
    peak_s = points[int(np.argmax(arousal))].time_s
    shape = f", rising to its height at {clock(peak_s)}" if float(np.ptp(arousal)) > 0.25 else ""
    key = key_of(temp) if temp.present else []
    like = [f"Near the temp track: {', '.join(key)}."] if key else []
    if temp.present and tempo_is_sure(temp):
        like.append(temp_tempo.told(temp.tempo_bpm))
    return " ".join([f"{mood}{shape}.", *like])


def moods(emotion: EmotionCurve) -> tuple[str, ...]:
    """The strongest feeling of each half; of the whole where there are too few points."""
    points = emotion.points
    half = len(points) // 2
    parts = [points] if len(points) < 6 else [points[:half], points[half:]]
    return tuple(_strongest([point.weights for point in part]) for part in parts)


def _strongest(weights: Sequence[tuple[float, ...]]) -> str:
    return DIMENSIONS[int(np.argmax(np.mean(weights, axis=0)))]


def clock(seconds: float) -> str:
    """Seconds as m:ss."""
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes}:{rest:02d}"


def with_edits_marked(brief: SceneBrief) -> SceneBrief:
    """`brief` with all marked as edited that a user changed: captions, frames, lines, the curve.

    For briefs edited as text, where nobody sets the mark. A brief whose picture a model described
    keeps its curve unmarked: a model may have drawn it.
    """
    known = (
        brief.timeline.length_seconds,
        brief.curves,
        brief.dialogue,
        brief.temp_track,
    )
    given = brief.emotion_curve
    signals = emotion_curve(*known)
    texts = [captions(known[0], brief.shots, *known[1:], curve) for curve in (given, signals)]
    changes = {}
    modelled = False
    for name in brief.captions.__struct_fields__:
        caption: Caption = getattr(brief.captions, name)
        modelled = modelled or (name == "video" and caption.origin == "model")
        if caption.how is not None and caption.how.wrote:
            changed = caption.text != caption.how.wrote
        else:
            own = {getattr(text, name).text for text in texts}
            changed = caption.origin == "signals" and caption.text not in own
        if changed:
            changes[name] = msgspec.structs.replace(caption, edited=True)
    drawn = given.points != signals.points and not modelled
    return msgspec.structs.replace(
        brief,
        frames=frames_marked(brief),
        lines=lines_marked(brief),
        captions=msgspec.structs.replace(brief.captions, **changes),
        emotion_curve=msgspec.structs.replace(given, edited=given.edited or drawn),
    )
