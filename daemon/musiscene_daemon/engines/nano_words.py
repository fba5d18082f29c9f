"""What a small model hears of music, and what is measured of it, in one text.

Each tells what it was found to tell right more often (docs/nano.md): the model the mood, how fast
music is and whether drums drive it; measurements beats a minute, the key, colour and loudness. A
number is said only where both agree, and a class only where the model is sure of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from musiscene_core.brief import SURE, TempTrack
from musiscene_core.captioning.nano.asking import Impression, likeliest
from musiscene_core.captioning.nano.saved import Nano
from musiscene_core.captioning.nano.tempi import tempo_class
from musiscene_core.spotting.describe import NOTE_NAMES
from musiscene_core.spotting.describe_sound import sound_words, tempo_words
from musiscene_core.spotting.portrait import Portrait

_SURE_HEARD = 0.7
"""From here on 82 % of tempo classes and 88 % of drums were right on music it never learned of."""
_SURE_MODE = 0.8
"""The mode is told wrong more often than the others."""
_DRUMS: Mapping[str, str] = MappingProxyType(
    {"none": "no drums", "light": "light drums", "driving": "driving drums"}
)


def description(
    nano: Nano, impression: Impression, portrait: Portrait, mood: str, start_s: float
) -> str:
    """What the music is like.

    Args:
        nano: who listened.
        impression: what it heard.
        portrait: what was measured of the same stretch.
        mood: the model's sentence about its mood.
        start_s: the file time at which it begins.
    """
    sound = sound_words(portrait, start_s)
    found = (mood, _facts(nano, impression, portrait.music), sound[0].upper() + sound[1:])
    return " ".join(part for part in found if part)


def pace_words(nano: Nano, impression: Impression, portrait: Portrait) -> str:
    """How fast it is; what measurements say where the model is not sure."""
    pace = _pace(nano, impression, portrait.music)
    return f"It has {pace}." if pace else tempo_words(portrait)


def _facts(nano: Nano, impression: Impression, music: TempTrack) -> str:
    pace, key = _pace(nano, impression, music), _key(nano, impression, music)
    drums, sure = likeliest(nano, impression, "drums")
    played = [part for part in (pace, _DRUMS[drums] if sure >= _SURE_HEARD else "") if part]
    if not key:
        return f"It has {' and '.join(played)}." if played else ""
    return f"It is in {', with '.join(part for part in (key, ' and '.join(played)) if part)}."


def _pace(nano: Nano, impression: Impression, music: TempTrack) -> str:
    """Such as "a fast tempo of 150 BPM"; nothing where the model is not sure.

    A measured beat is of the model's class or else most often half or double the true one.
    """
    tempo, sure = likeliest(nano, impression, "tempo")
    if sure < _SURE_HEARD:
        return ""
    bpm = music.tempo_bpm
    if bpm and music.tempo_confidence >= SURE and tempo_class(bpm) == tempo:
        return f"a {tempo} tempo of {bpm:.0f} BPM"
    return f"a {tempo} tempo"


def _key(nano: Nano, impression: Impression, music: TempTrack) -> str:
    """The key where it is measured and its mode heard; the mode alone where no key is measured."""
    mode, sure = likeliest(nano, impression, "mode")
    if music.key is not None and music.key_confidence >= SURE:
        return f"{NOTE_NAMES[music.key]} {mode}" if music.mode == mode else ""
    return f"a {mode} key" if sure >= _SURE_MODE else ""
