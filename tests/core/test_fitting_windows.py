"""Stretches of music held against each other: drift, matching, and which candidate is taken."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from scipy.signal import butter, sosfilt

from musiscene_core.fitting.choosing import Candidate, Wanted, choose
from musiscene_core.fitting.chords import heard_chords
from musiscene_core.fitting.following import followed
from musiscene_core.fitting.matching import MOST_DB, NONE, matched, third_octaves_db
from musiscene_core.fitting.meeting import Moment
from musiscene_core.fitting.traits import Traits, drift, traits_of
from musiscene_core.remixing.grid import find_grid
from musiscene_core.tempo_map import TempoMap
from tests.support.scenes import brief_of
from tests.support.songs import RATE, clicks_bound, song

LENGTH = 18 * RATE


def candidate(bpm: float, form: str = "AA", steps: float = 0.0, gain: float = 1.0) -> Candidate:
    audio = song(bpm, form, lead_s=0.0).audio[:, :LENGTH] * np.float32(gain)
    if steps:
        # Played faster or slower as a tape is: the pitch moves, the tempo with it.
        places = np.arange(LENGTH) * 2 ** (steps / 12)
        audio = np.array([np.interp(places, np.arange(LENGTH), side) for side in audio], np.float32)
    grid = find_grid(audio)
    return Candidate(traits_of(audio, grid), grid)


@pytest.fixture(scope="module")
def same() -> Candidate:
    return candidate(120.0)


@pytest.fixture(scope="module")
def faster() -> Candidate:
    return candidate(132.0)


def test_what_goes_on_as_it_began_has_not_drifted(same: Candidate) -> None:
    apart = drift(same.traits, same.traits)
    assert (apart.tempo_percent, apart.fifths, apart.chroma) == (0.0, 0, 0.0)
    assert apart.too_far == ()
    assert same.traits.tempo_bpm == pytest.approx(120.0, rel=0.01)


def test_another_tempo_is_told_in_percent(same: Candidate, faster: Candidate) -> None:
    apart = drift(faster.traits, same.traits)
    assert apart.tempo_percent == pytest.approx(10.0, abs=1.0)
    assert "the tempo by" in apart.too_far[0]


def test_twice_the_tempo_is_the_same_pulse(same: Candidate) -> None:
    double = dataclasses.replace(same.traits, tempo_bpm=2 * same.traits.tempo_bpm)
    assert drift(double, same.traits).tempo_percent == 0.0


def test_another_key_and_level_are_told(same: Candidate) -> None:
    moved: Traits = dataclasses.replace(
        same.traits, chroma=np.roll(same.traits.chroma, 6), lufs=same.traits.lufs + 12.0
    )
    if same.traits.tonic is not None:
        moved = dataclasses.replace(moved, tonic=(same.traits.tonic + 6) % 12, key_confidence=1.0)
    apart = drift(moved, dataclasses.replace(same.traits, key_confidence=1.0))
    assert apart.fifths == 6
    assert apart.level_lu == pytest.approx(12.0)
    assert {words.split(" by")[0] for words in apart.too_far} >= {"the key", "the level"}


def test_what_is_as_loud_as_it_is_meant_to_be_has_not_drifted(same: Candidate) -> None:
    hushed = dataclasses.replace(same, traits=dataclasses.replace(same.traits, lufs=-33.0))
    reference = dataclasses.replace(same.traits, lufs=-20.0)
    choice = choose([hushed], Wanted(0.0, 18.0, reference=reference, louder_lu=-5.0))
    assert choice.drift is not None
    assert (choice.drift.level_lu, choice.drift.too_far) == (-8.0, ())
    kept = choose([hushed], Wanted(0.0, 18.0, reference=reference)).drift
    assert kept is not None
    assert kept.too_far == ("the level by -13.0 LU",)


def test_the_candidate_whose_beats_meet_the_hits_is_taken(
    same: Candidate, faster: Candidate
) -> None:
    # Beats of 132 a minute, from the beginning on: 0.4545 s apart.
    spacing = 60 / 132
    moments = tuple(Moment(spacing * beat, 0.8) for beat in (3, 4, 13, 14, 25, 26))
    wanted = Wanted(0.0, LENGTH / RATE, moments)
    choice = choose([same, faster], wanted)
    assert choice.index == 1
    assert "the hits" in choice.reasons[1]
    assert choose([faster, same], wanted).index == 0


def test_a_candidate_that_drifted_is_not_taken_whatever_else_it_can(
    same: Candidate, faster: Candidate
) -> None:
    spacing = 60 / 132
    moments = tuple(Moment(spacing * beat, 0.8) for beat in (3, 4, 13, 14, 25, 26))
    wanted = Wanted(0.0, LENGTH / RATE, moments, reference=same.traits)
    choice = choose([faster, same], wanted)
    assert choice.index == 1
    assert choice.scores[0] < 0 < choice.scores[1]
    assert choice.reasons[0].startswith("Changes the tempo by +1")
    assert choice.drift is not None
    assert not choice.drift.too_far


def test_the_scene_s_feeling_decides_between_candidates_alike(same: Candidate) -> None:
    calm = (("valence", 0.4), ("onsets_per_s", 0.5), ("brightness_hz", 500.0))
    wild = (("valence", 0.4), ("onsets_per_s", 9.0), ("brightness_hz", 2500.0))
    curve = brief_of(18.0, valence=0.4, arousal=-0.7).emotion_curve
    choice = choose(
        [dataclasses.replace(same, figures=one) for one in (wild, calm)],
        Wanted(0.0, 18.0, feeling=curve),
    )
    assert choice.index == 1
    assert "feeling" in choice.reasons[1]


@pytest.fixture(scope="module")
def music() -> np.ndarray:
    return song(120.0, "AAA", lead_s=0.0).audio[:, : 24 * RATE].copy()


EDGES = (0, 8 * RATE, 16 * RATE, 24 * RATE)


def test_a_stretch_that_grew_dull_and_loud_is_brought_back(music: np.ndarray) -> None:
    spoiled = music.copy()
    dull = sosfilt(butter(1, 2500.0, fs=RATE, output="sos"), music[:, EDGES[1] : EDGES[2]])
    spoiled[:, EDGES[1] : EDGES[2]] = 1.5 * dull
    found, done = matched(spoiled, EDGES)

    def off(audio: np.ndarray) -> float:
        wanted = third_octaves_db(music[:, EDGES[1] : EDGES[2]])
        heard = third_octaves_db(audio[:, EDGES[1] + RATE // 2 : EDGES[2] - RATE // 2])
        loud = wanted > wanted.max() - 40
        return float(np.abs(heard - wanted)[loud].mean())

    assert off(found) < 0.6 * off(spoiled)
    assert done[1].level_db < -1.0
    assert 2.0 < done[1].most_db <= MOST_DB
    untouched = np.s_[:, : EDGES[1] - RATE // 2]
    assert np.array_equal(found[untouched], music[untouched])
    for edge in EDGES[1:3]:
        around = np.s_[:, edge - RATE // 4 : edge + RATE // 4]
        assert clicks_bound(found[around]) < 1.1 * clicks_bound(music[around])


def test_what_is_alike_is_left_as_it_is(music: np.ndarray) -> None:
    found, done = matched(music, EDGES)
    assert done == (NONE, NONE, NONE)
    assert found is music


def test_nothing_is_changed_by_more_than_the_limit(music: np.ndarray) -> None:
    spoiled = music.copy()
    spoiled[:, EDGES[2] :] *= 0.1
    found, done = matched(spoiled, EDGES)
    assert done[2].most_db == pytest.approx(MOST_DB)
    raised = np.abs(found[:, EDGES[2] + RATE :]).max() / np.abs(spoiled[:, EDGES[2] + RATE :]).max()
    assert raised == pytest.approx(10 ** (MOST_DB / 20), rel=0.03)


def test_a_level_that_is_meant_is_kept(music: np.ndarray) -> None:
    softer = music.copy()
    softer[:, EDGES[1] : EDGES[2]] *= np.float32(10 ** (-5 / 20))
    assert matched(softer, EDGES, (0.0, -5.0, 0.0))[1][1] == NONE
    assert matched(softer, EDGES)[1][1].level_db > 2.0


def test_the_shortest_stretches_are_matched_too(music: np.ndarray) -> None:
    piece = music[:, :3000].copy()
    piece[:, 1000:1100] *= 3
    found, _ = matched(piece, (0, 1000, 1100, 3000))
    assert found.shape == piece.shape
    assert np.isfinite(found).all()


def test_beats_are_told_from_the_map_that_music_follows_late_and_a_little_fast() -> None:
    made = song(121.5, "AB", bars=5, lead_s=0.2)
    told = followed(find_grid(made.audio), TempoMap.constant(120.0))
    assert told is not None
    inside = told.beats_s[told.beats_s < made.beats_s[-1]]
    assert len(inside) >= 40
    assert max(np.abs(made.beats_s - beat).min() for beat in inside) < 0.025
    assert followed(find_grid(made.audio), TempoMap.constant(100.0)) is None


def test_chords_are_heard_bar_by_bar() -> None:
    made = song(120.0, "A", bars=8, lead_s=0.0)
    grid = find_grid(made.audio)
    chords = heard_chords(grid.heard.chroma, TempoMap.constant(120.0), 16.0)
    # The song's chords: C, Am, F, G, a bar each.
    roots = [
        next(c.root for c in chords if c.start <= 4 * bar + 1 < c.start + c.length)
        for bar in range(8)
    ]
    assert sum(one == other for one, other in zip(roots, (0, 9, 5, 7) * 2, strict=True)) >= 7
    assert chords[0].name == "C"
