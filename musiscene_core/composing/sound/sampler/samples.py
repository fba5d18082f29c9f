"""A SoundFont's samples as floats: decoded when first played, the least used forgotten first."""

from __future__ import annotations

import io
import threading
from collections import OrderedDict
from dataclasses import dataclass

import numpy as np

from musiscene_core.composing.sound.sampler.font import SampleHeader, SoundFont
from musiscene_core.composing.sound.signal import Audio
from musiscene_core.errors import MediaError

VORBIS = 0x10
ROM = 0x8000

_KEPT_BYTES = 96 << 20
_LONGEST = 10 * 60 * 48_000
"""Samples: a compressed one that unpacks to more is no instrument's."""

_SHORTEST_LOOP = 4
_RATES = (400, 192_000)


@dataclass(frozen=True)
class Sample:
    """A sample, ready to play.

    Attributes:
        wave: [n], full scale 1.
        loop: first sample of its loop and one past the last; None has none that can be used.
        rate: in hertz.
        pitch: MIDI note it sounds at, its correction included.
    """

    wave: Audio
    loop: tuple[int, int] | None
    rate: int
    pitch: float


class Samples:
    """The samples of a font; tracks that play side by side share them."""

    def __init__(self, font: SoundFont) -> None:
        self._font = font
        self._kept: OrderedDict[int, Sample] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, number: int) -> Sample:
        """Sample `number`.

        Raises:
            MediaError: it is damaged.
        """
        with self._lock:
            if number in self._kept:
                self._kept.move_to_end(number)
                return self._kept[number]
            sample = self._decoded(self._font.samples[number])
            self._kept[number] = sample
            while len(self._kept) > 1 and self._bytes() > _KEPT_BYTES:
                self._kept.popitem(last=False)
            return sample

    def _bytes(self) -> int:
        return sum(sample.wave.nbytes for sample in self._kept.values())

    def _decoded(self, header: SampleHeader) -> Sample:
        low, high = _RATES
        if header.kind & ROM or not low <= header.rate <= high:
            raise self._unusable("lies in a sound card's memory or has an impossible rate")
        data = self._font.sample_bytes(header)
        if header.kind & VORBIS:
            wave = self._vorbis(data)
            begin = 0
        else:
            wave = np.frombuffer(data, dtype="<i2").astype(np.float32) / np.float32(1 << 15)
            begin = header.start
        first, last = header.loop_start - begin, header.loop_end - begin
        usable = first >= 0 and last <= len(wave) and last - first >= _SHORTEST_LOOP
        pitch = 60 if header.pitch > 127 else header.pitch
        return Sample(
            wave=wave,
            loop=(first, last) if usable else None,
            rate=header.rate,
            pitch=pitch - header.correction_cents / 100,
        )

    def _vorbis(self, data: bytes) -> Audio:
        import av

        pieces: list[Audio] = []
        try:
            with av.open(io.BytesIO(data), "r", format="ogg") as container:
                for frame in container.decode(audio=0):
                    planes = frame.to_ndarray()
                    if planes.dtype != np.float32:
                        raise self._unusable("is coded in a way that Vorbis is not")
                    pieces.append(np.asarray(planes[0], dtype=np.float32))
                    if sum(map(len, pieces)) > _LONGEST:
                        raise self._unusable("is longer than any instrument's")
        except (av.error.FFmpegError, IndexError, ValueError) as error:
            raise self._unusable("cannot be decoded") from error
        return np.concatenate([np.zeros(0, dtype=np.float32), *pieces])

    def _unusable(self, why: str) -> MediaError:
        return MediaError(
            f"{self._font.path} is damaged: a sample {why}.", hint="Name another SoundFont."
        )
