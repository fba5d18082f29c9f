"""The critic: texts compared, takes ranked by what can be judged, and the reasons given."""

from __future__ import annotations

import math

import msgspec
import pytest

from musiscene_core.brief import Caption, Captions, HowWritten
from musiscene_core.captioning.heard import HeardSection
from musiscene_core.codec import to_json
from musiscene_core.critic import (
    CRITIQUE_FILE,
    WINDOW_S,
    Critique,
    HeardTake,
    hearing,
    judge,
    read_critique,
    windows,
)
from musiscene_core.critic.hearing import felt
from musiscene_core.critic.likeness import likeness
from musiscene_core.cue import HitResult
from musiscene_core.errors import InputError
from musiscene_core.take import Provenance, Take
from tests.support.scenes import brief_of

LENGTH_S = 24.0
TARGET = -16.0


def brief(words="", **feeling):
    made = brief_of(LENGTH_S, **feeling)
    return msgspec.structs.replace(made, captions=Captions(fusion=Caption(words)))


def take_of(*, lufs=TARGET, errors=()):
    scene = brief().timeline
    hits = tuple(
        HitResult(
            frame=24, kind="cut", label="", beat=1.0, error_frames=error, error_ms=error * 41.7
        )
        for error in errors
    )
    return Take(
        name="take-1",
        cue="scene",
        rate=scene.rate,
        record=scene.record,
        length_samples=int(LENGTH_S * 48_000),
        mix="mix.wav",
        stems=(),
        hits=hits,
        loudness_lufs=lufs,
        true_peak_dbtp=-2.0,
        provenance=Provenance(engine="composer", engine_version="1"),
    )


def heard(valence=None, arousal=0.0, words=(), **take):
    """A take whose every window is felt there; not to be heard where valence is None."""
    sections = windows("/mix.wav", LENGTH_S)
    if valence is None:
        measured = [HeardSection(section=one, problem="It is silent.") for one in sections]
    else:
        how = HowWritten(writer="signals", settings=figures_for(valence, arousal))
        measured = [HeardSection(section=one, captions=(Caption("", how=how),)) for one in sections]
    return HeardTake(take=take_of(**take), measured=measured, words=words)


def figures_for(valence, arousal):
    """Key and density that are felt as this, everything else saying nothing."""
    away = (valence - hearing.VALENCE_BASE, arousal - hearing.AROUSAL_BASE)
    (a, b), (c, d) = ((one["key"], one["density"]) for one in (hearing.VALENCE, hearing.AROUSAL))
    whole = a * d - b * c
    key, density = (away[0] * d - b * away[1]) / whole, (a * away[1] - c * away[0]) / whole
    return (("valence", key), ("onsets_per_s", math.exp(density)))


def ranks(*given):
    return [critique.rank for critique in given]


def test_windows_cover_a_take_without_a_gap():
    parts = windows("/a.wav", 30.0)
    assert [part.start_s for part in parts[1:]] == [part.end_s for part in parts[:-1]]
    assert (parts[0].start_s, parts[-1].end_s) == (0.0, 30.0)
    assert all(WINDOW_S / 2 < part.end_s - part.start_s < WINDOW_S * 1.5 for part in parts)
    assert len(windows("/a.wav", 0.3)) == 1


@pytest.mark.parametrize(
    ("wanted", "nearer", "farther"),
    [
        ("sad and lonely", "mournful music", "joyful music"),
        ("a tense chase", "driving, energetic music", "calm, spacious music"),
        ("slow music in minor", "about 62 beats a minute, D minor", "140 BPM, C major"),
        ("dark and threatening", "a scary, dark drone", "bright, cheerful dance"),
        ("calm, with a solo piano", "calm piano music", "calm guitar music"),
    ],
)
def test_texts_of_one_meaning_are_more_alike_than_opposites(wanted, nearer, farther):
    assert likeness(wanted, nearer) > likeness(wanted, farther)
    assert likeness(wanted, wanted) == 1.0


@pytest.mark.parametrize("text", ["", "???", "a horse", "\N{EIGHTH NOTE}" * 100])
def test_texts_that_say_nothing_in_common_are_not_compared(text):
    assert likeness(text, "sad music") is None
    assert likeness("sad music", text) is None


def test_the_take_that_feels_as_the_brief_wants_ranks_first_and_says_why():
    wanted = brief(valence=-0.6, arousal=0.0)
    sad, glad = judge(wanted, TARGET, [heard(-0.6), heard(0.7)], "signals")
    assert ranks(sad, glad) == [1, 2]
    assert sad.score > glad.score + 0.2
    assert sad.reason.startswith("Nearer to the scene's feeling than the second")
    assert glad.reason.startswith("Farther from the scene's feeling than the best")
    assert [one.name for one in sad.criteria] == ["feeling", "loudness"]
    assert (sad.among, sad.listener) == (2, "signals")
    assert judge(wanted, TARGET, [heard(0.7), heard(-0.6)], "signals")[1].rank == 1


def test_what_was_measured_is_felt_and_a_figure_of_nought_that_was_not_noted_is_nought():
    (window, *_) = felt(heard(0.3, 0.2).measured)
    assert (window.valence, window.arousal) == pytest.approx((0.3, 0.2))
    slow = (("tempo_bpm", 60.0), ("tempo_confidence", 1.0), ("loudness_range_lu", 20.0))
    fast = (("tempo_bpm", 170.0), ("tempo_confidence", 1.0), ("brightness_hz", 2400.0))
    section = windows("/mix.wav", 6.0)[0]
    told = [HowWritten(writer="signals", settings=one) for one in (slow, fast, ())]
    calm, wild, nothing = felt(
        [HeardSection(section=section, captions=(Caption("", how=how),)) for how in told]
    )
    assert calm.arousal < nothing.arousal < wild.arousal
    assert calm.arousal == -1.0


def test_a_take_that_fits_alone_says_by_what():
    (critique,) = judge(brief(valence=0.0), TARGET, [heard(0.0)], "signals")
    assert critique.criteria[0].score > 0.99
    assert critique.reason == "Fits the scene's feeling best: 0.00 off in the plane of " + (
        "valence and arousal."
    )


def test_what_one_take_cannot_be_judged_by_counts_for_none():
    both = judge(brief(valence=-0.6), TARGET, [heard(-0.6), heard(None)], "signals")
    assert [[one.name for one in critique.criteria] for critique in both] == [["loudness"]] * 2
    assert ranks(*both) == [1, 2]
    assert both[0].reason == "Hardly better than the second: hear both."
    assert both[1].reason == "Hardly worse than the best: hear both."


def test_a_captioners_words_decide_between_takes_that_measure_alike():
    wanted = brief("A sad, lonely scene. Mournful strings.", valence=-0.5)
    takes = [heard(0.1, words=("A cheerful dance.",)), heard(0.1, words=("Mournful, slow.",))]
    second, first = judge(wanted, TARGET, takes, "mullama")
    assert ranks(first, second) == [1, 2]
    assert "the brief's words" in first.reason
    assert first.heard == ("Mournful, slow.",)


def test_hits_missed_and_loudness_off_cost_a_take():
    wanted = brief(valence=0.0)
    met, near, missed = judge(
        wanted,
        TARGET,
        [heard(0.0, errors=(0.2, -0.9)), heard(0.0, errors=(0.0, 3.5)), heard(0.0, errors=(9, 9))],
        "signals",
    )
    assert ranks(met, near, missed) == [1, 2, 3]
    scores = [critique.criteria[1].score for critique in (met, near, missed)]
    assert scores == [1.0, 0.75, 0.0]
    loud, right = judge(wanted, TARGET, [heard(0.0, lufs=-10.0), heard(0.0)], "signals")
    assert ranks(loud, right) == [2, 1]
    assert loud.criteria[-1].says == "+6.0 LU off"
    (broken,) = judge(wanted, TARGET, [heard(0.0, lufs=float("nan"))], "signals")
    assert broken.criteria[-1].score == 0.0


def test_a_critique_is_kept_beside_its_take(tmp_path):
    assert read_critique(tmp_path) is None
    (critique,) = judge(brief(), TARGET, [heard(0.0)], "signals")
    (tmp_path / CRITIQUE_FILE).write_bytes(to_json(critique))
    assert read_critique(tmp_path) == critique
    for damage in (b"", b"\x00", b"{", b'{"take": 1}', b"[" * 10_000):
        (tmp_path / CRITIQUE_FILE).write_bytes(damage)
        with pytest.raises(InputError):
            read_critique(tmp_path)


def test_equal_takes_keep_their_order():
    both = judge(brief(), TARGET, [heard(0.0), heard(0.0)], "signals")
    assert ranks(*both) == [1, 2]
    assert isinstance(both[0], Critique)
