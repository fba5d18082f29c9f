from __future__ import annotations

from pathlib import Path

import pytest

from musiscene_core.errors import RequestError
from musiscene_plugins.host import TrackDescription
from musiscene_plugins.otio import HostSettings, open_timeline
from musiscene_plugins.roles import overridden, parse_overrides, role_of_track, unmatched
from tests.support.timelines import small_movie


@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("DX 1", "dialogue"),
        ("Dialogue_A", "dialogue"),
        ("VO", "dialogue"),
        ("DialogueBoom", "dialogue"),
        ("Temp Music", "temp_track"),
        ("MX2", "temp_track"),
        ("tempTrack", "temp_track"),
        ("SFX", "effects"),
        ("Foley 3", "effects"),
        ("MusiScene Harmony", "score"),
        ("Score", "score"),
        ("Audio 1", "mixed"),
        ("", "mixed"),
        ("Boxes", "mixed"),
        ("temperature", "mixed"),
    ],
)
def test_sound_tracks_get_their_role_from_their_name(name: str, role: str) -> None:
    assert role_of_track(name, "audio") == role


def test_video_tracks_are_picture_whatever_their_name() -> None:
    assert role_of_track("Music video", "video") == "picture"


def test_the_users_word_decides_by_label_or_name() -> None:
    overrides = parse_overrides(["A2=temp_track", "Boom = mic=dialogue", "a3=ignore"])
    assert overrides == {"a2": "temp_track", "boom = mic": "dialogue", "a3": "score"}
    assert overridden(overrides, name="x", label="A2", default="mixed") == "temp_track"
    assert overridden(overrides, name="Boom = Mic", label="A9", default="mixed") == "dialogue"
    assert overridden(overrides, name="x", label="A9", default="mixed") == "mixed"


@pytest.mark.parametrize("text", ["A2", "=music", "A2=", "A2=loud"])
def test_what_names_no_role_is_refused(text: str) -> None:
    with pytest.raises(RequestError, match="role"):
        parse_overrides([text])


def test_a_track_that_is_not_there_is_told_with_those_that_are() -> None:
    tracks = [
        TrackDescription(name="V1", label="V1", kind="video", role="picture", clips=1),
        TrackDescription(name="Boom", label="A1", kind="audio", role="mixed", clips=1),
    ]
    assert unmatched(parse_overrides(["a1=dialogue", " BOOM =temp"]), tracks) == []
    (told,) = unmatched(parse_overrides(["A9=dialogue"]), tracks)
    assert told == "There is no track 'a9' to give a role; read were V1, A1 (Boom)."


def test_a_movie_says_which_of_its_tracks_were_named_in_vain(tmp_path: Path) -> None:
    host = open_timeline(
        small_movie(tmp_path / "film.mp4"), HostSettings(roles={"a9": "temp_track"})
    )
    assert "no track 'a9'" in " ".join(host.describe().warnings)
