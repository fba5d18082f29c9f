"""Player: the mixer's sound on a loudspeaker, or on miniaudio's Null device where there is none.

The device runs while something plays and rests soon after. `tick` is to be called some times a
second: it notices a device that vanished, goes on with another one, and says so.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Generator, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from musiscene_core.errors import MediaError
from musiscene_core.timecode import SAMPLE_RATE
from musiscene_gui.audio.mixer import Mixer

log = logging.getLogger(__name__)

PERIOD_MS = 60
_PERIOD_S = PERIOD_MS / 1000
_DEAD_AFTER_S = 1.5
"""Longer than any device sleeps between two periods."""
_REST_AFTER_S = 1.0
_REMEMBERED = 32


class _Block(NamedTuple):
    """Sound handed to the device: when, and the cue samples it began and ended with."""

    at_s: float
    first: int
    after: int


class Player:
    """Plays a mixer. Belongs to one thread; the device has its own, which only asks the mixer."""

    def __init__(
        self,
        mixer: Mixer,
        *,
        silent: bool = False,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        """No device is opened yet.

        Args:
            mixer: where the sound comes from.
            silent: use the Null device even where there is a loudspeaker.
            clock: seconds, for the place that is heard.
        """
        self.mixer = mixer
        self.device: Any = None
        self._silent = silent
        self._clock = clock
        self._blocks: deque[_Block] = deque(maxlen=_REMEMBERED)
        self._asked_s = 0.0
        self._rested_s = 0.0
        self._lost = False

    @property
    def backend(self) -> str:
        """What plays: "PulseAudio", "WASAPI", "Core Audio", "Null"; empty while it rests."""
        return str(self.device.backend) if self.device else ""

    @property
    def running(self) -> bool:
        """Whether a device asks for sound."""
        return self.device is not None and bool(self.device.running)

    def play(self, *, backwards: bool = False) -> MediaError | None:
        """Go on, either way; says where no loudspeaker can be had (it then plays silently).

        Raises:
            MediaError: not even the Null device can be opened.
        """
        said = self._start()
        if not self.mixer.playing or self.mixer.backwards != backwards:
            self._blocks.clear()
        self.mixer.play(backwards=backwards)
        return said

    def pause(self) -> None:
        """Stop, and stay; the device rests a little later."""
        self.mixer.pause()

    def heard(self) -> int:
        """The cue sample that is heard now: what was handed over a period ago."""
        if not self.mixer.playing or not self._blocks:
            return self.mixer.position
        then = self._clock() - _PERIOD_S
        blocks = list(self._blocks)
        block = next((b for b in reversed(blocks) if b.at_s <= then), blocks[0])
        passed = max(0, int((then - block.at_s) * SAMPLE_RATE))
        if self.mixer.backwards:
            turned = block.after > block.first
            return block.after if turned else max(block.after, block.first - passed)
        if block.after < block.first:
            # A loop turned within the block: its beginning is as near as need be.
            return min(block.after, self.mixer.length)
        return min(block.first + passed, block.after)

    def tick(self) -> list[MediaError]:
        """Look after the device; returns what the user should hear of."""
        said = self.mixer.take_problems()
        now = self._clock()
        asleep = self.running and now - self._asked_s > _DEAD_AFTER_S
        if self.device is not None and (self._lost or asleep):
            said.append(self._reopen())
        elif self.running and self.mixer.silent:
            self._rested_s = self._rested_s or now
            if now - self._rested_s > _REST_AFTER_S:
                self.rest()
        else:
            self._rested_s = 0.0
        return said

    def rest(self) -> None:
        """Close the device; playing opens it again."""
        device, self.device = self.device, None
        if device is not None:
            device.stop_callback = None
            device.close()
        self._blocks.clear()
        self._rested_s, self._lost = 0.0, False

    def close(self) -> None:
        """Close the device and let go of all files."""
        self.mixer.pause()
        self.rest()
        self.mixer.close()

    def _start(self) -> MediaError | None:
        if self.running and not self._lost:
            return None
        self.rest()
        said = None
        try:
            self._open(self._silent)
        except _device_errors() as error:
            log.warning("no loudspeaker: %s", error)
            said = MediaError(
                "No sound device can be opened; playing silently.",
                hint="Connect one, or let go of it in other programs, then play again.",
            )
            try:
                self._open(True)
            except _device_errors() as last:
                raise MediaError("Sound cannot be played on this machine.") from last
        return said

    def _open(self, silent: bool) -> None:
        import miniaudio

        backends = [miniaudio.Backend.NULL] if silent else None
        device = miniaudio.PlaybackDevice(
            output_format=miniaudio.SampleFormat.FLOAT32,
            nchannels=2,
            sample_rate=SAMPLE_RATE,
            buffersize_msec=PERIOD_MS,
            backends=backends,
            app_name="MusiScene",
        )
        device.stop_callback = self._on_stop
        sound = self._sound()
        next(sound)
        self._asked_s = self._clock()
        self._lost = False
        try:
            device.start(sound)
        except miniaudio.MiniaudioError:
            device.stop_callback = None
            device.close()
            raise
        self.device = device

    def _sound(self) -> Generator[npt.NDArray[np.float32] | bytes, int, None]:
        """What the device's thread asks: so many samples, again and again."""
        piece: npt.NDArray[np.float32] | bytes = b""
        while True:
            count = yield piece
            self._asked_s = self._clock()
            first, playing = self.mixer.position, self.mixer.playing
            piece = self.mixer.render(count)
            if playing:
                self._blocks.append(_Block(self._asked_s, first, self.mixer.position))

    def _on_stop(self) -> None:
        self._lost = True

    def _reopen(self) -> MediaError:
        position, playing, backwards = self.heard(), self.mixer.playing, self.mixer.backwards
        self.mixer.pause()
        self.rest()
        self.mixer.seek(position)
        said = MediaError(
            "The sound device has gone.", hint="Connect it again, or choose another in the system."
        )
        if playing:
            other = self._start()
            self.mixer.play(backwards=backwards)
            if other is None:
                said = MediaError("The sound device has gone; playing on another one.")
        return said


def _device_errors() -> tuple[type[Exception], ...]:
    import miniaudio

    return (miniaudio.MiniaudioError,)


def decibels(gain_db: float) -> float:
    """A gain in decibels as a factor; at -60 and below nothing."""
    return 0.0 if gain_db <= -60.0 else 10.0 ** (gain_db / 20.0)


def matched(loudness_lufs: Sequence[float]) -> list[float]:
    """The gains in decibels that make takes as loud as the softest of them: none gets louder."""
    softest = min(loudness_lufs, default=0.0)
    return [min(0.0, softest - loudness) for loudness in loudness_lufs]
