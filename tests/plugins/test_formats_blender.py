"""Blender's sequencer, given the frames and files of a scored copy, sounds each stem in its place.

Blender reads no timeline file by itself; its OpenTimelineIO importers lay strips on the frames that
the file says, as the script here does.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import wave
from pathlib import Path

import numpy as np
import opentimelineio as otio
import pytest

from musiscene_core.ranges import FrameRange
from musiscene_core.timecode import SAMPLE_RATE, FrameRate, frame_to_sample
from musiscene_plugins.host import TakeInFolder
from musiscene_plugins.otio import open_timeline
from tests.support.edits import RATES
from tests.support.timelines import saved, scene_timeline, take_on_disk

BLENDER = shutil.which("blender")
SCRIPT = Path(__file__).parents[1] / "support" / "blender_mixdown.py"
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(BLENDER is None, reason="blender is not installed"),
]
LOUD, BURST, APART = 8000, 1000, 4000
OFFSET = 37


def loud_take(folder: Path, rate: FrameRate, start: int) -> TakeInFolder:
    """A take whose stems sound one after the other, a burst each."""
    record = FrameRange.from_length(start, 60)
    take = take_on_disk(folder, rate=rate, record=record)
    for number, stem in enumerate(take.take.stems):
        samples = np.zeros((record.samples(rate), 2), "<i2")
        samples[number * APART : number * APART + BURST] = LOUD
        with wave.open(str(take.folder / stem.path), "wb") as file:
            file.setparams((2, 2, SAMPLE_RATE, len(samples), "NONE", ""))
            file.writeframes(samples.tobytes())
    return take


def placements(path: str) -> list[dict[str, object]]:
    """Every clip of ours in an OpenTimelineIO file: its file, and the frame it lies on."""
    found: list[dict[str, object]] = []
    timeline = otio.adapters.read_from_file(path)
    for track in timeline.tracks:
        for item in track if track.name.startswith("MusiScene") else ():
            if isinstance(item, otio.schema.Clip):
                frame = int(item.range_in_parent().start_time.value)
                about = {"name": track.name, "path": item.media_reference.target_url}
                found.append(about | {"frame": frame})
    return found


@pytest.mark.parametrize("rate", RATES, ids=lambda rate: rate.name)
def test_every_stem_sounds_from_its_own_sample(rate: FrameRate, tmp_path: Path) -> None:
    start = 3600 * rate.nominal
    reel = saved(scene_timeline(float(rate.fps), start), tmp_path / "reel.otio")
    take = loud_take(tmp_path / "takes", rate, start + OFFSET)
    scored = open_timeline(reel).place_takes([take]).timeline
    strips = placements(scored)
    assert [strip["frame"] for strip in strips] == [OFFSET] * len(take.take.stems)
    plan, sound = tmp_path / "plan.json", tmp_path / "mixed.wav"
    about = {"fps": rate.nominal, "fps_base": rate.nominal / float(rate.fps), "frames": 150}
    plan.write_text(json.dumps(about | {"strips": strips}))
    command = [str(BLENDER), "-b", "--factory-startup", "-noaudio", "--python", str(SCRIPT)]
    subprocess.run(
        [*command, "--", str(plan), str(sound)], check=True, capture_output=True, timeout=240
    )
    with wave.open(str(sound)) as file:
        assert file.getframerate() == SAMPLE_RATE
        data = np.frombuffer(file.readframes(file.getnframes()), "<i2")
    loud = np.abs(data.reshape(-1, 2)[:, 0].astype(int)) > LOUD // 8
    onsets = np.flatnonzero(loud[1:] & ~loud[:-1]) + 1
    expected = frame_to_sample(OFFSET, rate) + APART * np.arange(len(take.take.stems))
    assert len(onsets) == len(expected)
    assert np.abs(onsets - expected).max() <= 1
