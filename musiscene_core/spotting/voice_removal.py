"""Dialogue and music that come mixed in one recording, parted by rule where someone speaks.

Two things are known of film sound. Dialogue sits in the centre: what both channels have alike, bin
by bin of a short-time spectrum, may be speech (Avendano and Jot 2004, "A frequency-domain approach
to multichannel upmix"). And music goes on through it: what the spectrum holds just before and
after the words is taken to be music under them too (spectral subtraction, Boll 1979). Outside
speech nothing is touched; speech and music always sum to what was given. A separation model does
better; this needs none.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np
import numpy.typing as npt

from musiscene_core.media import iter_audio, read_audio
from musiscene_core.media.wav import WavWriter, to_int24
from musiscene_core.progress import Progress, silent

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]
Span = tuple[float, float]
"""Seconds, half-open."""

RATE = 48_000
CONTEXT_S = 4.0
"""Before and after speech: what music is learnt from."""
PIECE_S = 30.0
"""Longer speech is parted in pieces; memory stays the same."""
_WINDOW, _HOP = 2048, 512
_LOWEST_HZ, _HIGHEST_HZ = 90.0, 9000.0
_ALIKE = 6.0
"""Exponent on how alike both channels are: 0.9 alike keeps half."""
_FADE_S = 0.06
_QUIETEST = 1e-12


def part_speech(sound: Floats, rate: int, spans: Sequence[Span]) -> tuple[Floats, Floats]:
    """Part a recording into speech and music.

    Args:
        sound: samples [C, n], one channel or two.
        rate: samples a second.
        spans: where someone speaks, in order.

    Returns:
        Speech and music, each [C, n]; they sum to `sound`.
    """
    length = sound.shape[1]
    if not spans or length < _WINDOW:
        return np.zeros_like(sound), sound.copy()
    padded = np.pad(np.asarray(sound, np.float64), ((0, 0), (_WINDOW, 2 * _WINDOW)))
    window = np.hanning(_WINDOW + 1)[:-1]
    views = np.lib.stride_tricks.sliding_window_view(padded, _WINDOW, axis=1)[:, ::_HOP]
    spectra = np.fft.rfft(views * window)
    # Frame t is centred on sample t * _HOP - _WINDOW / 2 of `sound`.
    centres = (np.arange(spectra.shape[1]) * _HOP - _WINDOW / 2) / rate
    spoken = _envelope(centres, spans)
    mask = _mask(spectra, spoken) * spoken[:, None]
    frequencies = np.fft.rfftfreq(_WINDOW, 1 / rate)
    mask[:, (frequencies < _LOWEST_HZ) | (frequencies > _HIGHEST_HZ)] = 0.0
    centre = spectra.mean(0, keepdims=True) * mask
    speech_one = _overlapped(np.fft.irfft(centre), window)[:, _WINDOW : _WINDOW + length]
    speech = np.repeat(speech_one, len(sound), 0).astype(np.float32)
    return speech, sound - speech


def write_music(
    source: Path,
    start_s: float,
    end_s: float,
    spans: Sequence[Span],
    target: Path,
    *,
    stream: int = 0,
    progress: Progress = silent,
) -> None:
    """Write [start_s, end_s) of a recording, without what is said in it, as a WAV file.

    Args:
        source: a sound file or movie.
        start_s: file time in seconds.
        end_s: file time in seconds.
        spans: where someone speaks, in file seconds, in order and apart.
        target: the file to write.
        stream: which audio stream.
        progress: hears how far it is.

    Raises:
        MediaError: it cannot be decoded.
        CancelledError: `progress` raised it.
    """
    total = round((end_s - start_s) * RATE)
    with WavWriter(target, 2, total) as out:
        at = 0
        blocks = iter_audio(
            source,
            Fraction(start_s),
            Fraction(start_s) + Fraction(total, RATE),
            sample_rate=RATE,
            channels=2,
            stream=stream,
        )
        for block in blocks:
            out.write(at, to_int24(_finite(block)))
            at += block.shape[1]
        for first_s, last_s in _pieces(spans, start_s, end_s):
            progress("Parting music from dialogue", (first_s - start_s) / (end_s - start_s))
            begin_s = max(start_s, first_s - CONTEXT_S)
            around = read_audio(
                source,
                Fraction(begin_s),
                Fraction(min(end_s, last_s + CONTEXT_S)),
                sample_rate=RATE,
                channels=2,
                stream=stream,
            )
            inside = [(a - begin_s, b - begin_s) for a, b in spans]
            _, music = part_speech(_finite(around), RATE, inside)
            left = round((max(start_s, first_s - _FADE_S) - start_s) * RATE)
            right = min(total, round((last_s + _FADE_S - start_s) * RATE))
            skip = left - round((begin_s - start_s) * RATE)
            out.write(left, to_int24(music[:, skip : skip + right - left]))


def _mask(spectra: npt.NDArray[np.complex128], spoken: npt.NDArray[np.float64]) -> Doubles:
    """The share of each bin [frames, bins] that is speech."""
    power = (np.abs(spectra) ** 2).sum(0)
    middle = np.abs(spectra.mean(0)) ** 2
    learnt = _learnt(middle, spoken)
    subtracted: Doubles = np.sqrt(np.clip(1.0 - learnt / np.maximum(middle, _QUIETEST), 0.0, 1.0))
    if len(spectra) == 1:
        return subtracted
    shared = 2.0 * (spectra[0] * spectra[1].conj()).real / np.maximum(power, _QUIETEST)
    mask: Doubles = subtracted * np.clip(shared, 0.0, 1.0) ** _ALIKE
    return mask


def _learnt(middle: Doubles, spoken: Doubles) -> Doubles:
    """The music's power under each frame: of the frames without speech, weighted by nearness."""
    free = np.flatnonzero(spoken == 0.0)
    if not len(free):
        return np.zeros_like(middle)
    pauses = np.split(free, np.flatnonzero(np.diff(free) > 1) + 1)
    centres = np.array([pause.mean() for pause in pauses])
    levels = np.stack([middle[pause].mean(0) for pause in pauses])
    sizes = np.array([len(pause) for pause in pauses], np.float64)
    weights = sizes / (1.0 + np.abs(centres - np.arange(len(middle))[:, None]))
    learnt: Doubles = weights @ levels / weights.sum(1, keepdims=True)
    return learnt


def _envelope(times: Doubles, spans: Sequence[Span]) -> Doubles:
    """1 where someone speaks, 0 elsewhere, with short fades, at `times`."""
    envelope = np.zeros_like(times)
    for first, last in spans:
        rise = np.minimum(times - first, last - times) / _FADE_S + 1.0
        envelope = np.maximum(envelope, np.clip(rise, 0.0, 1.0))
    return envelope


def _overlapped(frames: npt.NDArray[np.float64], window: Doubles) -> Doubles:
    """Frames [C, count, _WINDOW] added up at their places; untouched ones give the sound back."""
    channels, count, _ = frames.shape
    steps = _WINDOW // _HOP
    total = np.zeros((channels, (count + steps - 1) * _HOP))
    weight = np.zeros(total.shape[1])
    for place in range(steps):
        part = slice(place * _HOP, (place + 1) * _HOP)
        rows = total[:, place * _HOP : place * _HOP + count * _HOP].reshape(channels, count, _HOP)
        rows += frames[:, :, part] * window[part]
        weight[place * _HOP : place * _HOP + count * _HOP] += np.tile(window[part] ** 2, count)
    result: Doubles = total / np.maximum(weight, 1e-3)
    return result


def _pieces(spans: Sequence[Span], start_s: float, end_s: float) -> list[Span]:
    pieces = []
    for first, last in spans:
        at, stop = max(start_s, first), min(end_s, last)
        while at < stop:
            pieces.append((at, min(stop, at + PIECE_S)))
            at += PIECE_S
    return pieces


def _finite(sound: Floats) -> Floats:
    return np.asarray(np.clip(np.nan_to_num(sound, nan=0.0), -8.0, 8.0), np.float32)
