"""A real player of MLT XML puts every stem where the timeline says."""

from __future__ import annotations

import shutil
import subprocess
import time
import wave
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from musiscene_core.timecode import SAMPLE_RATE, FrameRate, frame_to_sample
from musiscene_plugins.formats.catalogue import writable
from musiscene_plugins.formats.edit import Edit, Event, Lane, Media
from tests.support.edits import RATES, SUFFIXES

MELT = shutil.which("melt") or shutil.which("melt-7")
pytestmark = pytest.mark.skipif(MELT is None, reason="melt is not installed")
LOUD = 8000
FRAMES = 50


def steady_sound(path: Path, samples: int) -> Media:
    with wave.open(str(path), "wb") as file:
        file.setparams((2, 2, SAMPLE_RATE, samples, "NONE", ""))
        file.writeframes(np.full((samples, 2), LOUD, "<i2").tobytes())
    return Media(str(path), path.name, Fraction(0), Fraction(samples, SAMPLE_RATE))


def started_and_lost(process: subprocess.Popen[bytes], sound: Path) -> bool:
    """Whether melt waits for ever: its writing thread is gone, and nothing was written.

    melt 7 says that its writer runs after it has started the writer's thread; where that thread
    comes first, on a busy machine, it finds that it does not run and ends at once.
    """
    try:
        status = Path(f"/proc/{process.pid}/status").read_text()
        return "Threads:\t1\n" in status and sound.stat().st_size == 0
    except OSError:
        return False


def rendered(path: Path) -> np.ndarray:
    """The left channel [N] that melt makes of the project at `path`."""
    sound = path.with_suffix(".wav")
    consumer = f"avformat:{sound}"
    settings = ("acodec=pcm_s16le", f"ar={SAMPLE_RATE}", "ac=2", "vn=1", "real_time=0")
    command = [str(MELT), "-silent", str(path), "-consumer", consumer, *settings]
    give_up = time.monotonic() + 240
    while True:
        sound.unlink(missing_ok=True)
        with subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        ) as process:
            lost = 0
            while process.poll() is None and lost < 3 and time.monotonic() < give_up:
                time.sleep(0.1)
                lost = lost + 1 if started_and_lost(process, sound) else 0
            finished = process.returncode is not None
            process.kill()
            said = process.communicate()[1]
        assert time.monotonic() < give_up, said
        # On a busy machine melt was seen to end well with not a byte written.
        if finished and (process.returncode or (sound.exists() and sound.stat().st_size)):
            break
    assert process.returncode == 0, said
    with wave.open(str(sound)) as file:
        data = np.frombuffer(file.readframes(file.getnframes()), "<i2")
    return data.reshape(-1, 2)[:, 0].astype(int)


@pytest.mark.parametrize("rate", RATES, ids=lambda rate: rate.name)
@pytest.mark.parametrize("key", ["mlt", "kdenlive"])
def test_every_stem_sounds_from_its_own_sample_at_its_own_level(
    key: str, rate: FrameRate, tmp_path: Path
) -> None:
    sound = steady_sound(tmp_path / "stem.wav", frame_to_sample(FRAMES, rate))
    event = Event("a", sound, 37, FRAMES)
    lanes = (
        Lane("A", "audio", (event,)),
        Lane("B", "audio", (Event("b", sound, 100, FRAMES, gain_db=-6.0206),)),
        Lane("C", "audio", (Event("c", sound, 200, FRAMES, fade_in=10, fade_out=10),)),
        Lane("muted", "audio", (Event("d", sound, 300, FRAMES),), enabled=False),
    )
    path = tmp_path / f"reel{SUFFIXES[key]}"
    writable(key).write(Edit("reel", rate, 0, lanes, width=320, height=180), path)
    heard = rendered(path)
    at = {frame: frame_to_sample(frame, rate) for frame in (37, 100, 200, 300, 350)}
    assert abs(len(heard) - at[350]) <= 1
    loud = np.abs(heard) > LOUD // 8
    onsets = np.flatnonzero(loud[1:] & ~loud[:-1])[:2] + 1
    assert np.abs(onsets - [at[37], at[100]]).max() <= 1
    middle = {
        start: heard[start + frame_to_sample(25, rate)] for start in at.values() if start < at[350]
    }
    assert middle[at[37]] == LOUD
    assert abs(middle[at[100]] - LOUD // 2) <= 2
    assert middle[at[200]] == LOUD
    assert np.abs(heard[at[200] : at[200] + 100]).max() < LOUD // 10
    assert np.abs(heard[frame_to_sample(250, rate) - 100 : at[300]]).max() < LOUD // 4
    assert not heard[at[300] :].any()
