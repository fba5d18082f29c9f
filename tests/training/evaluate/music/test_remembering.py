"""An evaluation of music that ended early goes on with what was heard before."""

from __future__ import annotations

import os

import numpy as np
import pytest

from musiscene_core.errors import OutputError
from musiscene_training.cli import main
from musiscene_training.evaluate.music import remembering
from musiscene_training.evaluate.music.evaluation import Wish, evaluate_music
from musiscene_training.evaluate.music.mfcc import Mfcc
from tests.support.made_music import make_music

NAMES = ("a", "b", "c")


@pytest.fixture
def place(tmp_path):
    make_music(tmp_path / "reference", NAMES, seconds=1.5)
    make_music(tmp_path / "made", NAMES, seconds=1.5, shift=5)
    return tmp_path


def wish(place):
    kept = place / "kept" / remembering.HEARD
    return Wish(reference=place / "reference", made={"made": place / "made"}, draws=0, kept=kept)


@pytest.fixture
def listened(monkeypatch):
    """Names of the sounds that were listened to, as they are."""
    names: list[str] = []

    def noted(real):
        def spy(*given):
            names.append(next(one.name for one in given if hasattr(one, "path")))
            return real(*given)

        return spy

    for name in ("heard", "measured"):
        monkeypatch.setattr(remembering, name, noted(getattr(remembering, name)))
    return names


def test_what_was_heard_is_not_heard_again_and_what_changed_is(place, listened):
    first = evaluate_music(wish(place))
    assert sorted(listened) == sorted(NAMES * 3)
    listened.clear()
    assert evaluate_music(wish(place)) == first
    assert listened == []

    sound = place / "made" / "b.wav"
    os.utime(sound, ns=(1, 1))
    assert evaluate_music(wish(place)).fads == first.fads
    assert listened == ["b", "b"]


def test_a_damaged_memory_is_none(place, listened):
    first = evaluate_music(wish(place))
    listened.clear()
    kept = sorted((place / "kept" / remembering.HEARD).iterdir())
    assert len(kept) == 9
    for number, path in enumerate(kept):
        path.write_bytes((path.read_bytes()[:40], b"", b"\x93NUMPY\x01\x00v")[number % 3])
    assert evaluate_music(wish(place)) == first
    assert sorted(listened) == sorted(NAMES * 3)


def test_a_kill_on_the_way_costs_one_sound(place, monkeypatch, capsys):
    out = place / "out"
    given = ["evaluate", "music", str(place / "reference"), str(place / "made"), "--draws", "0"]
    given += ["--output", str(out)]
    real, rounds = Mfcc.hear, []

    def twice(self, windows):
        rounds.append(len(windows))
        if len(rounds) == 5:
            raise OutputError("The disk is full.")
        return real(self, windows)

    monkeypatch.setattr(Mfcc, "hear", twice)
    assert main(given) == 2
    assert "disk is full" in capsys.readouterr().err
    assert len(list((out / remembering.HEARD).glob("*.npy"))) == 4
    assert main(given) == 0
    assert len(rounds) == 7
    # It is whole: nothing is kept beside the result, and nothing is written over it.
    assert sorted(path.name for path in out.iterdir()) == [
        "items.csv",
        "result.json",
        "scores.png",
        "table.md",
    ]
    assert main(given) == 2
    assert "not empty" in capsys.readouterr().err


def test_rows_are_kept_bit_by_bit(place):
    clip = next(iter(wish(place).clips("made", place / "made").values()))
    listener = Mfcc()
    memory = remembering.Memory(place / "memory", {listener: "mfcc"})
    first = memory.heard(listener, clip)
    again = memory.heard(listener, clip)
    assert again.dtype == first.dtype
    assert np.array_equal(again, first)
