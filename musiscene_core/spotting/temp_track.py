"""What the temp track sounds like: presence, tempo, beats, key and energy.

Hears the music block by block and keeps 2.1 kB of features a second, of the first LONGEST_S only:
what a range longer than that sounds like is told from its beginning. Where someone speaks in the
same recording, tempo and key take no notice of what is heard, and energy is drawn from what lies
around.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from musiscene_core.brief import Curve, DialogueRegion, TempTrack
from musiscene_core.spotting import chroma, loudness, music_presence, onsets
from musiscene_core.spotting.beats import steady_tempo, track_beats
from musiscene_core.spotting.key import NO_KEY, find_key
from musiscene_core.spotting.loudness import LoudnessListener, loudness_curve
from musiscene_core.spotting.tempo import NO_TEMPO, Tempo, find_tempo, prepare

Floats = npt.NDArray[np.float32]
Bools = npt.NDArray[np.bool_]

LONGEST_S = 7_200
"""Energy is measured to the end, the rest for two hours: enough for any cue, and 16 MB."""
_SPEECH_EDGE_S = 0.25
_LEAST_CONFIDENCE = 0.1
_LEAST_KEY_NOTES_S = 1.5


class Features(NamedTuple):
    """What is measured of music.

    Attributes:
        onsets: onset strength [n, 2], onsets.RATE a second.
        chroma: [m, chroma.STEPS], one row every chroma.HOP_S.
        tonal: tonal share [m].
        lufs: momentary loudness [k], one every loudness.HOP_S.
        late_s: cue second of the first onset strength, 0 to 1 / onsets.RATE.
    """

    onsets: Floats
    chroma: Floats
    tonal: Floats
    lufs: Floats
    late_s: float = 0.0


class MusicListener:
    """Hears music block by block and measures it."""

    def __init__(self, sample_rate: int) -> None:
        self._onsets = onsets.OnsetListener(sample_rate)
        self._chroma = chroma.ChromaListener(sample_rate)
        self._loudness = LoudnessListener(sample_rate)
        self._left = LONGEST_S * sample_rate

    def push(self, samples: Floats) -> None:
        """Hear the next samples [n]."""
        self._loudness.push(samples)
        described = samples[: self._left]
        self._left -= len(described)
        if len(described):
            self._onsets.push(described)
            self._chroma.push(described)

    def finish(self) -> Features:
        """What was measured."""
        pitches, tonal = self._chroma.finish()
        return Features(self._onsets.finish(), pitches, tonal, self._loudness.finish())


def describe(
    features: Features, speech: Sequence[DialogueRegion] = (), *, mixed: bool = False
) -> TempTrack:
    """What music sounds like.

    Args:
        features: what was measured of it.
        speech: where someone speaks in the same recording.
        mixed: whether it is a movie's own sound, which may hold no music at all.
    """
    strength, pitches, tonal, lufs, late_s = features
    clear_tonal = ~_within(speech, len(tonal), chroma.HOP_S)
    audible = _resampled(lufs, loudness.HOP_S, len(tonal), chroma.HOP_S)
    audible_tonal = audible > music_presence.AUDIBLE_LUFS
    heard = clear_tonal & audible_tonal
    clear = ~_within(speech, len(strength), 1 / onsets.RATE)
    pulses = prepare(strength, clear)
    tempo = find_tempo(pulses)
    notes = music_presence.has_notes(pitches, tonal, heard, moving=mixed)
    energy = _energy(lufs, speech)
    if not notes and not music_presence.has_pulse(tempo.confidence, heard):
        return TempTrack(energy=energy)
    present = music_presence.when_present(tonal, heard, audible_tonal, notes=notes)
    if tempo.confidence < _LEAST_CONFIDENCE:
        tempo = NO_TEMPO
    tempo, beats = _beats(pulses, tempo, present)
    sung = heard & present & (tonal >= music_presence.TONAL)
    key = NO_KEY
    if sung.sum() * chroma.HOP_S >= _LEAST_KEY_NOTES_S:
        key = find_key(chroma.tuned(pitches[sung].sum(axis=0, dtype=np.float64))[0])
    return TempTrack(
        present=True,
        tempo_bpm=round(tempo.bpm, 2),
        tempo_confidence=round(tempo.confidence, 3),
        beats_s=tuple(round(beat + late_s, 3) for beat in beats),
        key=key.tonic,
        mode=key.mode,
        key_confidence=round(key.confidence, 3),
        energy=energy,
    )


def _beats(
    pulses: npt.NDArray[np.float64], tempo: Tempo, present: Bools
) -> tuple[Tempo, tuple[float, ...]]:
    """The tempo through the beats, and those of them that lie in music."""
    if tempo.bpm == 0.0:
        return tempo, ()
    places = (np.arange(len(pulses)) / (onsets.RATE * chroma.HOP_S)).astype(np.intp)
    inside = present[np.minimum(places, len(present) - 1)]
    times = track_beats(np.where(inside[:, None], pulses, 0.0), tempo.bpm)
    kept = times[inside[(times * onsets.RATE).astype(np.intp)]]
    refined = Tempo(steady_tempo(kept, tempo.bpm), tempo.confidence)
    return refined, tuple(float(time) for time in kept)


def _energy(lufs: Floats, speech: Sequence[DialogueRegion]) -> Curve:
    """Loudness curve of the music: under speech, what lies around, if the sum is louder."""
    spoken = _within(speech, len(lufs), loudness.HOP_S)
    known = np.flatnonzero(~spoken)
    if spoken.any() and len(known):
        bridged = np.interp(np.arange(len(lufs)), known, lufs[known]).astype(np.float32)
        lufs = np.minimum(lufs, bridged)
    return loudness_curve(lufs)


def _within(regions: Sequence[DialogueRegion], count: int, hop_s: float) -> Bools:
    """Which of `count` hops touch a region, or lie within _SPEECH_EDGE_S of one."""
    inside = np.zeros(count, np.bool_)
    for region in regions:
        first = int(max(0.0, region.start_s - _SPEECH_EDGE_S) / hop_s)
        inside[first : int((region.end_s + _SPEECH_EDGE_S) / hop_s) + 1] = True
    return inside


def _resampled(values: Floats, hop_s: float, count: int, wanted_hop_s: float) -> Floats:
    if not len(values):
        return np.full(count, -120.0, np.float32)
    places = (np.arange(count) * wanted_hop_s / hop_s).astype(np.intp)
    return values[np.minimum(places, len(values) - 1)]
