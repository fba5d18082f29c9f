"""What can be said of a sound without any model, and whether it is as was asked.

A take says what it was asked for; of a plain file its caption may ("at 96 BPM in D minor"). Keys
are scored as in MIREX: 1 the same, 0.5 a fifth off, 0.3 its relative, 0.2 its parallel, else 0.
"""

from __future__ import annotations

import re
import statistics
from fractions import Fraction

import msgspec
import numpy as np

from musiscene_core.brief import Mode
from musiscene_core.codec import read_json
from musiscene_core.composing.sound.truepeak import REACH, block_peaks, dbtp
from musiscene_core.keys import key_name, read_key
from musiscene_core.loudness import LoudnessMeter, integrated
from musiscene_core.media import iter_audio, probe
from musiscene_core.request import ScoreRequest
from musiscene_core.spotting.portrait import portray
from musiscene_core.take import Take
from musiscene_core.temp_tempo import wished
from musiscene_core.timecode import SAMPLE_RATE
from musiscene_training.evaluate.music.sounds import TAKE_FILE, Clip

SURE = 0.35
"""Confidence from which a tempo or key that is heard is held against what was asked."""
_SAME_TEMPO = 0.04
_TEMPO = re.compile(r"\b(\d{2,3}(?:\.\d+)?) ?(?:bpm|beats (?:per|a) minute)\b", re.IGNORECASE)
_KEY = re.compile(r"\b([A-G](?:[#b♯♭]|[ -]?(?i:flat|sharp))?) ?-?(?i:(major|minor))\b")
"""The letter is a capital: "in a minor key" names none."""
_BLOCK_S = 5


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What music was asked to be; None where that was left open.

    Attributes:
        tempo_bpm: beats a minute.
        tonic: pitch class from C = 0.
        mode: major or minor.
        lufs: integrated loudness.
        caption: the words that it was made from.
    """

    tempo_bpm: float | None = None
    tonic: int | None = None
    mode: Mode | None = None
    lufs: float | None = None
    caption: str = ""


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """What was measured of a sound; None where it says nothing.

    Attributes:
        length_s: seconds.
        lufs: integrated loudness (ITU-R BS.1770-4).
        true_peak_dbtp: highest true peak.
        lufs_off: loudness minus that asked for, in LU.
        tempo_bpm: heard, where it is sure.
        tempo_wanted: asked for.
        tempo_agrees: within 4 %, and whether that is so of half or double, too.
        tempo_agrees_octaves: the same, where half and double count as agreeing.
        key: heard, where it is sure.
        key_wanted: asked for.
        key_score: 0 to 1, as in MIREX.
        hits: hit points that the music was to meet.
        hit_error_ms: mean distance from them.
        hit_error_frames: the largest distance.
    """

    length_s: float
    lufs: float
    true_peak_dbtp: float
    lufs_off: float | None = None
    tempo_bpm: float | None = None
    tempo_wanted: float | None = None
    tempo_agrees: bool | None = None
    tempo_agrees_octaves: bool | None = None
    key: str = ""
    key_wanted: str = ""
    key_score: float | None = None
    hits: int = 0
    hit_error_ms: float | None = None
    hit_error_frames: float | None = None


def wanted_of(clip: Clip, caption: str = "") -> Wanted:
    """What `clip` was asked to be, by its take's request and by its words.

    Raises:
        InputError: the take's files are damaged.
    """
    wanted = Wanted(caption=caption)
    if clip.folder is not None:
        take = read_json(clip.folder / TAKE_FILE, Take)
        wanted = Wanted(caption=caption or take.provenance.prompt)
        asked = clip.folder / "request.json"
        if asked.is_file():
            request = read_json(asked, ScoreRequest)
            wanted = Wanted(
                tempo_bpm=request.tempo_bpm,
                tonic=request.tonic,
                mode=request.mode,
                lufs=request.target_lufs,
                caption=wanted.caption
                or getattr(request.brief.captions, request.caption_strategy).text,
            )
    tempo, tonic, mode = asked_in(wanted.caption)
    if wanted.tempo_bpm is None:
        wanted = msgspec.structs.replace(wanted, tempo_bpm=tempo)
    if wanted.tonic is None:
        wanted = msgspec.structs.replace(wanted, tonic=tonic, mode=mode)
    return wanted


def asked_in(caption: str) -> tuple[float | None, int | None, Mode | None]:
    """The tempo and the key that words ask for."""
    tempo = _TEMPO.search(wished(caption))
    found = _KEY.search(caption)
    key = read_key(f"{found[1]} {found[2]}") if found else None
    return float(tempo[1]) if tempo else None, *(key or (None, None))


def measured(clip: Clip, wanted: Wanted) -> Measured:
    """Listen to a sound by rules alone.

    Raises:
        MediaError: unreadable, silent, no numbers, or too short.
        InputError: the take's file is damaged.
    """
    length = probe(clip.path).duration
    # First, for it refuses what cannot be measured.
    music = portray(clip.path, 0.0, float(length)).music
    lufs, peak = _level(clip, length)
    found = Measured(length_s=round(float(length), 3), lufs=lufs, true_peak_dbtp=peak)
    changes: dict[str, object] = {}
    if wanted.lufs is not None:
        changes["lufs_off"] = round(lufs - wanted.lufs, 2)
    if wanted.tempo_bpm is not None:
        changes["tempo_wanted"] = wanted.tempo_bpm
    if music.tempo_bpm and music.tempo_confidence >= SURE:
        changes["tempo_bpm"] = music.tempo_bpm
        if wanted.tempo_bpm is not None:
            near = [_near(music.tempo_bpm * factor, wanted.tempo_bpm) for factor in (1, 0.5, 2)]
            changes |= {"tempo_agrees": near[0], "tempo_agrees_octaves": any(near)}
    if wanted.tonic is not None:
        changes["key_wanted"] = key_name(wanted.tonic, wanted.mode)
    if music.key is not None and music.key_confidence >= SURE:
        changes["key"] = key_name(music.key, music.mode)
        if wanted.tonic is not None:
            score = key_score((wanted.tonic, wanted.mode), (music.key, music.mode))
            changes["key_score"] = score
    return msgspec.structs.replace(found, **changes, **_hits(clip))


def key_score(wanted: tuple[int, Mode | None], heard: tuple[int, Mode | None]) -> float:
    """How near a key comes to the one asked for, as in MIREX; an open mode takes either."""
    (tonic, mode), (other, other_mode) = wanted, heard
    same_mode = mode is None or other_mode is None or mode == other_mode
    if tonic == other:
        return 1.0 if same_mode else 0.2
    if same_mode:
        return 0.5 if (other - tonic) % 12 in (5, 7) else 0.0
    relative = tonic + 9 if mode == "major" else tonic + 3
    return 0.3 if other == relative % 12 else 0.0


def _hits(clip: Clip) -> dict[str, object]:
    if clip.folder is None:
        return {}
    hits = read_json(clip.folder / TAKE_FILE, Take).hits
    if not hits:
        return {}
    return {
        "hits": len(hits),
        "hit_error_ms": round(statistics.fmean(abs(hit.error_ms) for hit in hits), 3),
        "hit_error_frames": round(max(abs(hit.error_frames) for hit in hits), 3),
    }


def _level(clip: Clip, length: Fraction) -> tuple[float, float]:
    """Integrated loudness in LUFS and true peak in dBTP."""
    meter = LoudnessMeter()
    peak = 0.0
    before = np.zeros((2, 2 * REACH), np.float32)
    blocks = iter_audio(
        clip.path,
        Fraction(0),
        length,
        sample_rate=SAMPLE_RATE,
        channels=2,
        block=_BLOCK_S * SAMPLE_RATE,
    )
    for block in blocks:
        meter.hear(block)
        joined = np.concatenate([before, block], axis=1)
        peak = max(peak, float(block_peaks(joined, peak).max(initial=0.0)))
        before = joined[:, -2 * REACH :]
    rest = np.concatenate([before, np.zeros((2, REACH), np.float32)], axis=1)
    peak = max(peak, float(block_peaks(rest, peak).max(initial=0.0)))
    return round(integrated(meter.finish()), 2), round(dbtp(peak), 2)


def _near(one: float, other: float) -> bool:
    return abs(one - other) <= _SAME_TEMPO * other
