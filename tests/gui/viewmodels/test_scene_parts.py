from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from musiscene_core.brief import EmotionCurve, EmotionPoint, HitPoint
from musiscene_core.intended_use import intend
from musiscene_gui.viewmodels.feeling import drawn
from musiscene_gui.viewmodels.hits import Hit, candidates, held_frames, moved, toggled
from musiscene_gui.viewmodels.settings import SettingsModel
from musiscene_gui.viewmodels.wishes import MEASURED, UNASKED, Wishes, as_wished, request_for
from tests.support.daemons import request
from tests.support.panel_takes import Kept


def flat(length: int = 10) -> EmotionCurve:
    points = tuple(
        EmotionPoint(time_s=float(i), valence=0.0, arousal=0.0, weights=(1 / 13,) * 13)
        for i in range(length)
    )
    return EmotionCurve(hop_s=1.0, points=points)


def test_a_drag_draws_a_line_on_the_grid_and_marks_the_curve() -> None:
    curve = drawn(flat(), "arousal", (2.0, 0.0), (6.0, 0.8))
    assert [round(p.arousal, 6) for p in curve.points] == [0, 0, 0, 0.2, 0.4, 0.6, 0.8, 0, 0, 0]
    assert all(p.valence == 0 for p in curve.points)
    assert curve.edited


def test_a_drag_backwards_and_past_the_ends_draws_the_same_and_stays_in_bounds() -> None:
    assert drawn(flat(), "valence", (6.0, 0.8), (2.0, 0.0)) == drawn(
        flat(), "valence", (2.0, 0.0), (6.0, 0.8)
    )
    curve = drawn(flat(), "arousal", (-5.0, 3.0), (99.0, -3.0))
    values = [p.arousal for p in curve.points]
    assert values[0] == 1.0
    assert min(values) >= -1.0
    assert values == sorted(values, reverse=True)


def test_an_empty_curve_stays_as_it_is() -> None:
    assert drawn(flat(0), "arousal", (0.0, 0.0), (1.0, 1.0)) == flat(0)


def test_hits_are_the_engines_until_one_is_held() -> None:
    points = tuple(
        HitPoint(frame=f, kind="dialogue_end", strength=0.5, rank=r) for f, r in ((10, 1), (30, 2))
    )
    brief = msgspec.structs.replace(request().brief, hit_points=points)
    hits = candidates(brief)
    assert [hit.label for hit in hits] == ["dialogue end", "dialogue end"]
    assert held_frames(hits) is None
    assert held_frames(toggled(hits, 1)) == (30,)
    assert held_frames(toggled(toggled(hits, 1), 1)) is None


def test_a_moved_hit_is_held_where_it_is_put_inside_the_range() -> None:
    hits = moved((Hit(5, rank=1), Hit(9, rank=2)), 0, 500, 48)
    assert held_frames(hits) == (47,)
    assert hits[1] == Hit(9, rank=2)


def test_an_added_hit_goes_when_it_is_released() -> None:
    hits = (Hit(5, rank=1), Hit(20, held=True))
    assert toggled(hits, 1) == (Hit(5, rank=1),)


def test_unasked_only_words_that_are_heard_are_written_again_before_they_steer() -> None:
    unscored = request().brief
    temp = msgspec.structs.replace(unscored.temp_track, present=True)
    scored = msgspec.structs.replace(unscored, temp_track=temp)
    assert Wishes().voice == UNASKED
    for strategy in ("music", "scene_imagination"):
        wishes = Wishes(strategy=strategy)
        assert not as_wished(wishes, MEASURED, scored)
        assert as_wished(wishes, UNASKED, scored)
        assert as_wished(wishes, MEASURED, unscored), "there is nothing to hear"
    assert as_wished(Wishes(strategy="fusion"), MEASURED, scored)
    assert not as_wished(Wishes(strategy="fusion", captioner="mullama"), MEASURED, scored)


def test_wishes_become_a_request() -> None:
    wishes = Wishes(takes=4, strategy="video", stems="instruments", loudness_lufs=-23.0)
    made = request_for(wishes, request().brief, (3, 7))
    assert (made.takes, made.caption_strategy, made.stems) == (4, "video", "instruments")
    assert (made.loudness_lufs, made.hits, made.idiom) == (-23.0, (3, 7), None)


@pytest.mark.parametrize("kept", ["0", "17", "-3", "many", "9" * 400, ""])
def test_a_nonsensical_number_of_takes_is_three(kept: str) -> None:
    assert SettingsModel(Kept(takes=kept)).takes == 3


def test_settings_are_kept_and_told_once() -> None:
    store, heard = Kept(), []
    settings = SettingsModel(store)
    settings.changed.connect(lambda: heard.append(1))
    settings.language = "de"
    settings.language = "de"
    for name in ("a", "b", "a"):
        settings.opened(name)
    assert SettingsModel(store).language == "de"
    assert SettingsModel(store).recent == ("a", "b")
    assert len(heard) == 4
    assert SettingsModel(Kept(language="tlh")).language == ""


def test_a_request_is_for_what_the_project_of_the_open_file_is_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MUSISCENE_HOME", str(tmp_path / "home"))
    film, brief = tmp_path / "show" / "reel 1" / "cut.otio", request().brief
    film.parent.mkdir(parents=True)
    assert request_for(Wishes(), brief, None, film).licence == "any"
    intend("commercial", tmp_path / "show")
    assert request_for(Wishes(), brief, None, film).licence == "commercial"
    assert request_for(Wishes(), brief, None).licence == "any"
