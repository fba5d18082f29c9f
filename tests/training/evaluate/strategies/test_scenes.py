"""Folders of scenes: what counts as one, what lies beside it, and what is wrong with others."""

from __future__ import annotations

from pathlib import Path

import opentimelineio as otio
import pytest

from musiscene_core.errors import InputError
from musiscene_training.evaluate.strategies.scenes import read_scenes
from tests.support.make_media import make_movie, make_sound, tone
from tests.training.evaluate.strategies.conftest import make_scene


def test_music_beside_a_movie_is_heard_and_compared_with_unless_other_music_is(tmp_path) -> None:
    make_scene(tmp_path, "rain", 1)
    make_scene(tmp_path, "snow", 2)
    make_sound(tmp_path / "snow.reference.wav", tone(24_000, 220.0))
    make_movie(tmp_path / "sun.mp4", frames=25, sounds=[tone(48_000, 330.0)])
    make_movie(tmp_path / "mute.mp4", frames=25)
    (tmp_path / "notes.txt").write_text("no scene")
    found = {scene.name: scene for scene in read_scenes(tmp_path).scenes}
    assert list(found) == ["mute", "rain", "snow", "sun"]
    heard = {name: scene.timeline.by_role("temp_track") for name, scene in found.items()}
    assert Path(heard["rain"][0].media.path).name == "rain.wav"
    assert Path(heard["snow"][0].media.path).name == "snow.wav"
    assert not heard["sun"]
    references = {name: scene.reference for name, scene in found.items()}
    assert Path(references["rain"].path).name == "rain.wav"
    assert Path(references["snow"].path).name == "snow.reference.wav"
    assert Path(references["sun"].path).name == "sun.mp4"
    assert references["mute"] is None
    assert [name for name, scene in found.items() if scene.own_sound and scene.reference] == ["sun"]


def test_references_and_tags_are_joined_by_the_scenes_names(tmp_path) -> None:
    make_scene(tmp_path, "rain", 1, music=False)
    make_scene(tmp_path, "snow", 2, music=False)
    (tmp_path / "references.csv").write_text(
        "id,reference_1,reference_2,video,herrmann,tags\n"
        'rain,A chase.,A flight.,Rain.,Slow strings.,"tense, slow"\n'
        "hail,Ice.,,,,\n"
    )
    found = read_scenes(tmp_path)
    rain, snow = found.scenes
    assert rain.wanted == {
        "scene_imagination": ("A chase.", "A flight."),
        "video": ("Rain.",),
        "music_conditions": ("Slow strings.",),
    }
    assert rain.tags == ("tense", "slow")
    assert (snow.wanted, snow.tags) == ({}, ())
    assert found.notes == ("1 rows of references.csv are of no scene, such as hail.",)


def test_a_scene_is_known_by_its_files(tmp_path) -> None:
    make_scene(tmp_path, "rain", 1)
    (scene,) = read_scenes(tmp_path).scenes
    (again,) = read_scenes(tmp_path).scenes
    assert again.digest == scene.digest
    make_sound(tmp_path / "rain.wav", tone(12_000, 220.0))
    (changed,) = read_scenes(tmp_path).scenes
    assert changed.digest != scene.digest


def test_what_cannot_be_used_is_named_and_left_out(tmp_path) -> None:
    make_scene(tmp_path, "rain", 1)
    whole = (tmp_path / "rain.mp4").read_bytes()
    (tmp_path / "cut.mp4").write_bytes(whole[:600])
    make_sound(tmp_path / "deaf.mov", tone(9_000, 220.0))
    found = read_scenes(tmp_path)
    assert [scene.name for scene in found.scenes] == ["rain"]
    assert set(found.problems) == {"cut", "deaf"}
    assert "no moving picture" in found.problems["deaf"]


def test_folders_that_make_no_sense_are_refused(tmp_path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        read_scenes(tmp_path / "none")
    with pytest.raises(InputError, match="No scene in"):
        read_scenes(tmp_path)
    make_scene(tmp_path, "rain", 1)
    references = tmp_path / "mine.csv"
    references.write_text("id,reference\nrain,A.\nrain,B.\n")
    with pytest.raises(InputError, match="more than once"):
        read_scenes(tmp_path, references)
    references.write_text("id,reference\nrian,A.\n")
    with pytest.raises(InputError, match=r"first is rian,.* rain"):
        read_scenes(tmp_path, references)
    make_sound(tmp_path / "rain.flac", tone(9_000, 220.0), codec="flac")
    with pytest.raises(InputError, match="2 sounds called rain"):
        read_scenes(tmp_path)
    (tmp_path / "rain.flac").unlink()
    (tmp_path / "rain.mov").write_bytes((tmp_path / "rain.mp4").read_bytes())
    with pytest.raises(InputError, match="two scenes called rain"):
        read_scenes(tmp_path)


def test_cues_on_timelines_are_scenes_and_movies_what_they_show(tmp_path) -> None:
    make_scene(tmp_path, "rain", 1)
    timeline = otio.schema.Timeline("cut")
    for kind, name in (("Video", "rain.mp4"), ("Audio", "rain.wav")):
        track = otio.schema.Track(f"Music {kind}", kind=kind)
        span = otio.opentime.TimeRange(
            otio.opentime.RationalTime(12, 24), otio.opentime.RationalTime(30, 24)
        )
        reference = otio.schema.ExternalReference(target_url=name)
        track.append(otio.schema.Clip(media_reference=reference, source_range=span))
        timeline.tracks.append(track)
    otio.adapters.write_to_file(timeline, str(tmp_path / "reel.otio"))
    (tmp_path / "references.csv").write_text("id,reference\nreel/Music Audio/1,A chase.\n")
    (scene,) = read_scenes(tmp_path).scenes
    assert scene.wanted == {"scene_imagination": ("A chase.",)}
    picture, music = scene.timeline.clips
    assert (picture.role, music.role) == ("picture", "temp_track")
    assert scene.timeline.record.length == 30
    assert picture.mapping.source_seconds(0) == 0.5
    assert scene.reference is not None
    assert (float(scene.reference.start), float(scene.reference.end)) == (0.5, 1.75)
