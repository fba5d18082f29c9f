"""Makes a cue sound as if it had come another way: mix, hall, equaliser, noise, codec, speed.

What the model hears in the world was never played by our composer; what changes here must not
change what it says, but for speed, which changes tempo and pitch together as a tape does.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import av
import numpy as np
import numpy.typing as npt

from musiscene_core.cue import STEM_ROLES
from musiscene_training.nano.corpus import HEARD_HZ

Floats = npt.NDArray[np.float32]

_CODECS = (("mp3", "libmp3lame", "mp3"), ("adts", "aac", "aac"))
_BANDS = 8


@dataclass(frozen=True)
class Heard:
    """Sound as it comes, and what became of the cue on the way.

    Attributes:
        samples: [n] at HEARD_HZ.
        roles: whose sound is left.
        speed: how much faster than written it is played.
    """

    samples: Floats
    roles: tuple[str, ...]
    speed: float


def plain(
    stems: Mapping[str, Floats], start: int, samples: int, random: np.random.Generator
) -> Heard:
    """A stretch as the composer would mix it: every role, in a hall, nothing else."""
    mixed = np.sum([stem[start : start + samples] for stem in stems.values()], axis=0)
    wet = _in_hall(mixed.astype(np.float32), random, length_s=2.0, wet_db=-9.0)
    return Heard(wet, tuple(stems), 1.0)


def augmented(
    stems: Mapping[str, Floats], start: int, samples: int, random: np.random.Generator
) -> Heard:
    """A stretch of `samples` that came another way.

    Args:
        stems: the cue's dry sound by role.
        start: where to begin, in samples; there must be 1.1 times `samples` from there on.
        samples: how many come out.
        random: decides everything.
    """
    speed = float(random.uniform(0.92, 1.08)) if random.random() < 0.6 else 1.0
    roles = _left(tuple(name for name in STEM_ROLES if name in stems), random)
    taken = round(samples * speed) + 2
    gains = {name: 10 ** (random.uniform(-7, 7) / 20) for name in roles}
    mixed = np.sum([gains[n] * stems[n][start : start + taken] for n in roles], axis=0)
    sound = np.interp(np.arange(samples) * speed, np.arange(len(mixed)), mixed).astype(np.float32)
    if random.random() < 0.75:
        sound = _in_hall(
            sound, random, length_s=random.uniform(0.3, 3.0), wet_db=random.uniform(-16, -2)
        )
    if random.random() < 0.8:
        sound = _equalised(sound, random)
    loudest = max(float(np.abs(sound).max()), 1e-9)
    sound = sound / loudest
    if random.random() < 0.35:
        drive = random.uniform(1.0, 4.0)
        sound = np.tanh(drive * sound) / np.tanh(drive)
    if random.random() < 0.4:
        noise = np.cumsum(random.standard_normal(samples)) if random.random() < 0.4 else None
        noise = random.standard_normal(samples) if noise is None else noise - noise.mean()
        level = 10 ** (random.uniform(-60, -28) / 20)
        sound = sound + level * noise / max(float(np.abs(noise).max()), 1e-9) * 3
    sound = (sound * 10 ** (random.uniform(-24, 0) / 20)).astype(np.float32)
    if random.random() < 0.25:
        sound = coded(sound, int(random.integers(len(_CODECS))), int(random.choice((32, 64, 96))))
    return Heard(sound, roles, speed)


def coded(sound: Floats, codec: int, kilobits: int) -> Floats:
    """`sound` [n] through a lossy codec and back, of the same length; what rings beyond is cut."""
    container, encoder, _ = _CODECS[codec]
    file = io.BytesIO()
    whole = np.clip(sound * 32767, -32768, 32767).astype(np.int16)[None]
    with av.open(file, "w", format=container) as out:
        stream = out.add_stream(encoder, rate=HEARD_HZ)
        stream.bit_rate = kilobits * 1000
        stream.layout = "mono"
        frame = av.AudioFrame.from_ndarray(whole, format="s16", layout="mono")
        frame.sample_rate = HEARD_HZ
        resampler = av.AudioResampler(
            format=stream.format, layout="mono", rate=HEARD_HZ, frame_size=stream.frame_size or None
        )
        for piece in (*resampler.resample(frame), *resampler.resample(None)):
            out.mux(stream.encode(piece))
        out.mux(stream.encode(None))
    file.seek(0)
    with av.open(file) as back:
        pieces = []
        as_floats = av.AudioResampler(format="flt", layout="mono", rate=HEARD_HZ)
        for decoded in back.decode(audio=0):
            pieces += [piece.to_ndarray()[0] for piece in as_floats.resample(decoded)]
    heard = np.concatenate([*pieces, np.zeros(len(sound), np.float32)])
    return np.asarray(heard[: len(sound)], dtype=np.float32)


def _left(roles: Sequence[str], random: np.random.Generator) -> tuple[str, ...]:
    """Most often all roles, sometimes without one or two; never without any notes."""
    if random.random() < 0.6:
        return tuple(roles)
    kept = [name for name in roles if random.random() > 0.3]
    if not {"harmony", "melody"} & set(kept):
        kept = [name for name in roles if name in kept or name == "harmony"]
    return tuple(kept)


def _in_hall(
    sound: Floats, random: np.random.Generator, *, length_s: float, wet_db: float
) -> Floats:
    """`sound` in a hall that falls by 60 dB in `length_s`; the hall's energy is `wet_db`."""
    size = round(min(length_s, 2.5) * HEARD_HZ)
    time_s = np.arange(size) / HEARD_HZ
    tail = random.standard_normal(size) * np.exp(-6.908 * time_s / length_s)
    tail = np.convolve(tail, np.ones(3) / 3, mode="same")
    tail *= 10 ** (wet_db / 20) / max(float(np.sqrt(np.sum(tail**2))), 1e-9)
    response = np.concatenate([[1.0], np.zeros(round(0.015 * HEARD_HZ)), tail])
    length = 1 << (len(sound) + len(response) - 1).bit_length()
    spectrum = np.fft.rfft(sound, length) * np.fft.rfft(response, length)
    return np.fft.irfft(spectrum, length)[: len(sound)].astype(np.float32)


def _equalised(sound: Floats, random: np.random.Generator) -> Floats:
    """Smooth random gains over frequency, and now and then an end of the spectrum cut off."""
    spectrum = np.fft.rfft(sound)
    octaves = np.log2(np.maximum(np.linspace(0, HEARD_HZ / 2, len(spectrum)), 30.0) / 30.0)
    knots = np.linspace(0, 8, _BANDS)
    gains_db = np.interp(octaves, knots, random.uniform(-8, 8, _BANDS))
    if random.random() < 0.25:
        gains_db -= 24 * np.maximum(0.0, octaves - random.uniform(6.3, 8))
    if random.random() < 0.2:
        gains_db -= 24 * np.maximum(0.0, random.uniform(0.5, 2.5) - octaves)
    return np.fft.irfft(spectrum * 10 ** (gains_db / 20), len(sound)).astype(np.float32)
