"""A real ending for recorded music: the last accent rings out in a hall; nothing begins after it.

What sounds at the accent is held until the next beat would come, and gives way there to its own
echo in the composer's hall, which dies away within the range. A fade, by contrast, is heard as
music that somebody turned down.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.signal import oaconvolve

from musiscene_core.composing.sound.channel import hall
from musiscene_core.timecode import SAMPLE_RATE

Floats = npt.NDArray[np.float32]

SHORTEST_RING_S, LONGEST_RING_S = 0.9, 3.2
"""From the last accent to the end of the range."""
LONGEST_HELD_S = 1.2
_FADE_OUT_S = 0.09
_ECHO_DB = 0.0
"""The echo where it takes over, against what was held."""
_SAFETY_S = 0.25
_HEARD_S = 0.08


def ring_s(length_s: float) -> tuple[float, float]:
    """Least and most seconds of ring in a range of `length_s`: a short cue rings for less."""
    most = min(LONGEST_RING_S, 0.25 * length_s)
    return min(SHORTEST_RING_S, 0.6 * most), most


def rung_out(audio: Floats, accent: int, next_beat: int, samples: int) -> Floats:
    """`audio` [2 k, n] as exactly `samples` samples, ending with what sounds at `accent`.

    Args:
        audio: at 48 kHz.
        accent: sample of the last accent, below `samples`.
        next_beat: sample at which the music would go on: nothing is heard of it.
        samples: of the result.
    """
    result: Floats = np.zeros((len(audio), samples), np.float32)
    fade = round(_FADE_OUT_S * SAMPLE_RATE)
    held = min(next_beat - accent, round(LONGEST_HELD_S * SAMPLE_RATE))
    # However slow the beat, there is time to die away in.
    held = min(held, (samples - accent) // 2)
    # The next attack may come a little before its beat.
    stop = min(max(accent + fade, accent + held - fade // 4), audio.shape[1], samples)
    result[:, :stop] = audio[:, :stop]
    fade = min(fade, max(0, stop - accent))
    falling = np.cos(np.linspace(0.0, np.pi / 2, fade, dtype=np.float32)) ** 2
    if fade:
        result[:, stop - fade : stop] *= falling
    begin = min(accent, max(0, stop - fade))
    if stop < samples and stop - fade > begin:
        _add_echo(result, begin, stop, fade)
    safety = min(round(_SAFETY_S * SAMPLE_RATE), samples - accent)
    if safety > 0:
        result[:, -safety:] *= np.cos(np.linspace(0.0, np.pi / 2, safety, dtype=np.float32)) ** 2
        result[:, -1] = 0.0
    return result


def _add_echo(result: Floats, begin: int, stop: int, fade: int) -> None:
    """Put the echo of [begin, stop) from where it falls silent on; it swells as that fades."""
    held = result[:, begin:stop].astype(np.float64)
    room = np.tile(hall(), (len(held) // 2, 1))
    echo = oaconvolve(held, room, axes=1)[:, stop - fade - begin :]
    echo = echo[:, : result.shape[1] - (stop - fade)]
    # As loud as what it takes over from.
    near = round(_HEARD_S * SAMPLE_RATE)
    before = _level(held[:, max(0, stop - fade - near - begin) : stop - fade - begin])
    own = _level(echo[:, fade : fade + near])
    if own <= 1e-9:
        return
    echo = echo * (before / own * 10 ** (_ECHO_DB / 20))
    swell = np.ones(echo.shape[1])
    swell[:fade] = np.sin(np.linspace(0.0, np.pi / 2, fade)) ** 2
    # Gone by the end, however long the hall.
    last = np.linspace(0.0, 1.0, echo.shape[1])
    echo *= swell * (1.0 - last**2)
    result[:, stop - fade : stop - fade + echo.shape[1]] += echo.astype(np.float32)


def _level(sound: npt.NDArray[np.floating]) -> float:
    return float(np.sqrt(np.mean(np.square(sound)))) if sound.size else 0.0
