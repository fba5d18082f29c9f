"""What a language model is sent for each strategy that takes one.

Fusion and scene imagination: word for word what the MusiScene paper's Mixtral was sent to make
VACAD (Izzati et al., appendix A). Music conditions: the descriptions of Herrmann-1 (Haseeb et al.
2023, section 3.3) in the paper's layout; the paper gives their layout and an answer, but not the
instruction around them, so that is ours, and asks for fields that can be checked.
"""

from __future__ import annotations

import msgspec

from musiscene_core.brief import SceneBrief
from musiscene_core.errors import RequestError

FUSION = (
    "Describe the music from both video and music captions. Return answer only without intro/outro."
)
IMAGINATION = "What type of scene the music is suitable for?"
CONDITIONS = (
    "Below is a high-level description of a movie scene. Translate it into low-level conditions "
    "for the background music of the scene. Answer with one JSON object and nothing else. Its "
    "fields, in this order:\n"
    '"words": in one paragraph, what the music should sound like, its genre, instruments, tempo, '
    "harmony, dynamics and how it develops, as a prompt for a text-to-music model;\n"
    '"tempo_bpm": beats per minute, a number;\n'
    '"key": such as "D minor";\n'
    '"instruments": a list of their names;\n'
    '"dynamics": a list of {"time_s": seconds from the beginning of the scene, "level": from 0 for '
    "silent to 1 for loudest};\n"
    '"themes": a list of what the music should express, a few words each.'
)
MAX_IMAGES = 40
MAX_SPOKEN = 200
NOBODY = "Speaker 00"
"""Who speaks where nobody knows."""
_LEAST_SHARE = 0.1


class SceneWords(msgspec.Struct, frozen=True, kw_only=True):
    """A scene in the words that Herrmann-1 hands to a language model.

    Attributes:
        images: what is seen, in order, a sentence each.
        spoken: who says what, in order; the speaker is empty where nobody knows.
        sentiments: feelings and their shares, the strongest first, shares summing to 1.
        temp_music: what music the user put beside it, which the paper does not know.
        length_s: how long the scene is; 0 where that is not known. Not in the paper either.
    """

    images: tuple[str, ...]
    spoken: tuple[tuple[str, str], ...] = ()
    sentiments: tuple[tuple[str, float], ...] = ()
    temp_music: str = ""
    length_s: float = 0.0


def fusion_prompt(video: str, music: str) -> str:
    """The MusiScene paper's prompt for fusion.

    Raises:
        RequestError: there are no words for picture or music.
    """
    return _both(video, music) + FUSION


def imagination_prompt(video: str, music: str) -> str:
    """The MusiScene paper's prompt for the scene that music imagines.

    Raises:
        RequestError: there are no words for picture or music.
    """
    return _both(video, music) + IMAGINATION


def conditions_prompt(scene: SceneWords) -> str:
    """Herrmann-1's descriptions under our instruction.

    Raises:
        RequestError: nothing is seen, said or felt.
    """
    parts = []
    if scene.images:
        numbered = (f"{place}) {text}" for place, text in enumerate(scene.images, 1))
        parts.append(f"Image captions: {' '.join(numbered)}")
    if scene.spoken:
        lines = " ".join(f"{who or NOBODY}: {text}" for who, text in scene.spoken)
        parts.append(f"Audio transcriptions: {lines}")
    if scene.sentiments:
        felt = ", ".join(f"{name.capitalize()} ({share:.0%})" for name, share in scene.sentiments)
        parts.append(f"Video sentiments: {felt}")
    if parts and scene.temp_music:
        parts.append(f"Temporary music: {scene.temp_music}")
    if not parts:
        raise RequestError(
            "Nothing is known of the scene to make music conditions from.",
            hint="Write the caption of the picture first.",
        )
    if scene.length_s:
        parts.append(f"Length: {scene.length_s:.0f} seconds")
    return f"{CONDITIONS}\n\n" + "\n".join(parts)


def scene_words(brief: SceneBrief) -> SceneWords:
    """A brief as Herrmann-1 would put it."""
    return SceneWords(
        images=_images(brief),
        spoken=_spoken(brief)[:MAX_SPOKEN],
        sentiments=_sentiments(brief),
        length_s=brief.timeline.length_seconds,
    )


def _images(brief: SceneBrief) -> tuple[str, ...]:
    """What each frame shows; where nobody described frames, or a user the picture, its sentences.

    Frames that say the same one after the other say it once.
    """
    described = [frame.caption.text.strip() for frame in brief.frames if frame.caption.text.strip()]
    video = brief.captions.video
    if not described or video.edited or video.origin == "user":
        return sentences(video.text)
    changed = [
        text for text, before in zip(described, ["", *described], strict=False) if text != before
    ]
    return tuple(changed)[:MAX_IMAGES]


def _spoken(brief: SceneBrief) -> tuple[tuple[str, str], ...]:
    if brief.lines:
        return tuple((line.speaker, " ".join(line.text.split())) for line in brief.lines)
    timeline = brief.timeline
    return tuple(
        (line.speaker, " ".join(line.text.split()))
        for line in timeline.subtitles
        if line.record.overlap(timeline.record) is not None
    )


def sentences(text: str) -> tuple[str, ...]:
    """A text as its sentences."""
    ended = text.replace("! ", "!\n").replace("? ", "?\n").replace(". ", ".\n")
    return tuple(one.strip() for one in ended.splitlines() if one.strip())[:MAX_IMAGES]


def _both(video: str, music: str) -> str:
    for what, text in (("picture", video), ("music", music)):
        if not text.strip():
            raise RequestError(
                f"There is no caption of the {what} to go by.", hint="Write it first."
            )
    return f"Video caption: '{video.strip()}' \nMusic caption: '{music.strip()}' \n"


def _sentiments(brief: SceneBrief) -> tuple[tuple[str, float], ...]:
    curve = brief.emotion_curve
    if not curve.points:
        return ()
    sums = [sum(column) for column in zip(*(point.weights for point in curve.points), strict=True)]
    shares = sorted(zip(sums, curve.dimensions, strict=True), reverse=True)
    strong = [(name, value) for value, name in shares if value > _LEAST_SHARE * sum(sums)]
    total = sum(value for _, value in strong)
    return tuple((name, value / total) for name, value in strong)
