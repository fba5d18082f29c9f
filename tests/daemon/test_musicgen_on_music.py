"""MusicGen's windows over music of known beats: joins on beats, drift found out, choice.

Recordings stand for what the model writes, and all that the engine does with them is its own.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the extra 'models' is not installed")
pytest.importorskip("transformers", reason="the extra 'models' is not installed")

from musiscene_core.composing.compose import compose  # noqa: E402
from musiscene_core.progress import silent  # noqa: E402
from musiscene_core.request import ScoreRequest  # noqa: E402
from musiscene_daemon.engines.musicgen import laying, writing  # noqa: E402
from musiscene_daemon.engines.musicgen.rendering import Sound  # noqa: E402
from tests.support.played_music import at_model_rate, dull  # noqa: E402
from tests.support.played_musicgen import Asked, PlayedMusicGen, Recording  # noqa: E402
from tests.support.scenes import brief_of  # noqa: E402
from tests.support.songs import song  # noqa: E402

pytestmark = pytest.mark.models

LENGTH_S, START_S = 40.0, 0.21
KINDS = ("even", "fast", "dull", "loud")


@pytest.fixture(scope="module")
def recordings() -> list[Recording]:
    even, fast = (song(bpm, "ABA", bars=8) for bpm in (120.0, 127.2))
    mono = even.audio.mean(axis=0)
    sounds = (mono, fast.audio.mean(axis=0), dull(mono), 4 * mono)
    beats = (even.beats_s, fast.beats_s, even.beats_s, even.beats_s)
    return [Recording(at_model_rate(one), own) for one, own in zip(sounds, beats, strict=True)]


def written(
    recordings: list[Recording],
    kind_of: Callable[[Asked], str],
    candidates: int = 1,
    *,
    emptier_from_s: float = np.inf,
) -> tuple[PlayedMusicGen, Sound]:
    brief = brief_of(LENGTH_S, cuts=(5.3, 11.9, 29.4), valence=0.4, arousal=0.6)
    request = ScoreRequest(brief=brief, engine="musicgen", tempo_bpm=120.0)
    plan = compose(request, 0)
    full = [
        msgspec.structs.replace(
            one, density=0.4 if plan.tempo.seconds(one.start) >= emptier_from_s else 0.9
        )
        for one in plan.sections
    ]
    plan = msgspec.structs.replace(plan, sections=tuple(full))
    model = PlayedMusicGen(recordings, lambda asked: KINDS.index(kind_of(asked)), START_S)
    work = writing.Work(
        model=model,
        request=request,
        plan=plan,
        moments=laying.moments_of(request, plan),
        length_s=LENGTH_S + laying.spare_s(LENGTH_S),
        candidates=candidates,
    )
    ((sound,),) = writing.sounds(work, [3], silent)
    return model, sound


def test_music_that_keeps_on_is_joined_on_its_beats_and_is_what_was_played(
    recordings: list[Recording],
) -> None:
    model, sound = written(recordings, lambda asked: "even")
    assert [(one.window, one.draw) for one in model.asked] == [(0, 0), (1, 0)]
    first, second = sound.windows
    beats = recordings[0].beats_s - START_S
    # Tokens are 20 ms apart.
    assert second.on_beat
    assert np.abs(beats - second.start_s).min() < 0.015
    assert first.end_s == second.start_s
    played = recordings[0].audio[round(START_S * 32_000) :]
    heard = sound.audio[0]
    assert np.abs(heard[320:-320] - played[320 : len(heard) - 320]).max() < 1e-5
    assert sound.warnings == ()


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("fast", "the tempo by +6"),
        pytest.param("dull", "the colour", marks=pytest.mark.slow),
        pytest.param("loud", "the level", marks=pytest.mark.slow),
    ],
)
def test_a_window_that_drifts_is_drawn_again(
    recordings: list[Recording], kind: str, said: str
) -> None:
    def first_time(asked: Asked) -> str:
        return kind if (asked.window, asked.draw) == (1, 0) else "even"

    model, sound = written(recordings, first_time)
    assert [(one.window, one.draw) for one in model.asked] == [(0, 0), (1, 0), (1, 1)]
    assert sound.warnings == ()
    drift = sound.windows[1].drift
    assert drift is not None
    assert not drift.too_far
    _, sound = written(recordings, lambda asked: kind if asked.window else "even")
    assert said in sound.warnings[0]
    assert "3 draws were no closer" in sound.warnings[0]


def test_a_window_is_as_loud_as_its_section_is_meant_to_be(recordings: list[Recording]) -> None:
    # The plan's second section begins between the middles of the two windows.
    _, alike = written(recordings, lambda asked: "even")
    _, emptier = written(recordings, lambda asked: "even", emptier_from_s=20.0)
    before, after = (one.windows[1].drift for one in (alike, emptier))
    assert before is not None
    assert after is not None
    # The fullest is 6 dB above the emptiest.
    assert after.level_lu - before.level_lu == pytest.approx(3.0, abs=0.02)


def test_of_two_candidates_the_one_that_keeps_on_is_taken(recordings: list[Recording]) -> None:
    for drifts in (0, 1):

        def kind_of(asked: Asked, drifts: int = drifts) -> str:
            return "fast" if (asked.window, asked.candidate) == (1, drifts) else "even"

        _, sound = written(recordings, kind_of, candidates=2)
        assert sound.windows[1].chosen == 1 - drifts
        assert sound.windows[1].reasons[drifts].startswith("Changes the tempo by +6")
