"""CMT's three relations between picture and music; tests.support.relations says how measured."""

import json
from statistics import mean

import msgspec
import numpy as np
import pytest

from musiscene_core.composing.compose import compose
from musiscene_core.request import ScoreRequest
from musiscene_core.spotting.spot import spot
from tests.support.composed import MOODS, composed, with_saliency
from tests.support.make_picture import whole
from tests.support.relations import (
    motion_and_density,
    rank_correlation,
    saliency_and_strength,
)
from tests.support.scenes import brief_of
from tests.support.shared_media import shared_media

LEAST = 0.7


def moving_brief(mood, seed):
    """64 s whose motion changes every 4 s, with a sudden change every 2.3 s, and no cuts."""
    dice = np.random.default_rng(seed)
    motion = np.repeat(dice.uniform(0.05, 0.95, 16), 40)
    saliency = np.zeros(640)
    saliency[10:630:23] = dice.uniform(0.15, 1.0, 27)
    brief = brief_of(64.0, motion=motion.tolist(), **MOODS[mood])
    return with_saliency(brief, saliency.tolist())


def test_density_follows_motion_and_strength_follows_saliency_in_every_mood():
    density, strength = [], []
    for seed, mood in enumerate(MOODS):
        brief = moving_brief(mood, seed)
        cue = compose(ScoreRequest(brief=brief), seed)
        density.append(rank_correlation(*motion_and_density(cue, brief)))
        strength.append(rank_correlation(*saliency_and_strength(cue, brief)))
    assert mean(density) >= LEAST
    assert mean(strength) >= LEAST
    assert min(*density, *strength) > 0.3


def test_accents_grow_with_what_they_meet_and_leave_speech_and_hits_alone():
    saliency = [0.0] * 400
    for step in range(12, 400, 29):
        saliency[step] = 1.0 if step % 2 else 0.3
    brief = brief_of(40.0, cuts=(12.45,), dialogue=((20.0, 27.0),), **MOODS["anxious"])
    cue = compose(ScoreRequest(brief=with_saliency(brief, saliency)), 2)
    (accents,) = [part for part in cue.parts if part.name.startswith("Accents")]
    times = [cue.tempo.seconds(note.start) for note in accents.notes]
    assert not any(20.0 <= time < 27.0 for time in times)
    assert not any(abs(time - 12.45) < 0.2 for time in times)
    faint, strong = [], []
    for step in range(12, 360, 29):
        chord = [
            n for n, time in zip(accents.notes, times, strict=True) if abs(time - step / 10) < 0.2
        ]
        (strong if step % 2 else faint).append(chord)
    counts = [[len(chord) for chord in chords if chord] for chords in (faint, strong)]
    assert max(counts[0]) < min(counts[1])
    loud = [mean(n.velocity for chord in chords for n in chord) for chords in (faint, strong)]
    assert loud[1] > loud[0] + 20


def test_bars_lie_where_the_picture_needs_them():
    hits = []
    for seed, mood in enumerate(MOODS):
        cue = composed(mood, seed)
        hits += cue.hits
        for hit in cue.hits:
            assert cue.tempo.seconds(hit.beat) == pytest.approx(hit.frame / 24, abs=0.0401)
            assert cue.tempo.bar_at(hit.beat).number == hit.bar
        assert any(hit.place == "beat 1" for hit in cue.hits)
    assert sum(hit.place == "beat 1" for hit in hits) >= 0.4 * len(hits)
    assert sum(hit.place.startswith("beat") for hit in hits) >= 0.75 * len(hits)


def test_the_relations_hold_on_real_footage():
    frames = json.loads(shared_media("reel_24.json").read_text())["frames"]
    movie = shared_media("reel_24.mp4")
    seen = whole(movie, frames)
    heard = msgspec.structs.replace(seen.clips[0], role="mixed", track="A1")
    brief = spot(msgspec.structs.replace(seen, clips=(*seen.clips, heard)))
    assert len(brief.dialogue) == 4
    density, strength = [], []
    for seed in range(10):
        cue = compose(ScoreRequest(brief=brief), seed)
        assert max(abs(hit.error_frames) for hit in cue.hits) <= 1.0
        density.append(rank_correlation(*motion_and_density(cue, brief)))
        strength.append(rank_correlation(*saliency_and_strength(cue, brief)))
    assert mean(density) >= LEAST
    assert mean(strength) >= LEAST
