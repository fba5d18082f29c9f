"""What the small model hears and what is measured, in one text: each where it is mostly right."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import numpy as np
import pytest

from musiscene_core.captioning.heard import Section
from musiscene_core.captioning.nano import saved
from musiscene_core.captioning.nano.asking import Impression, likeliest, listen
from musiscene_core.spotting.portrait import Portrait, portray
from musiscene_core.timeline import MediaReference
from musiscene_daemon.engines.nano_words import description, pace_words
from tests.support import sounds

MOOD = "It is tense."


@pytest.fixture(scope="module")
def heard(tmp_path_factory: pytest.TempPathFactory) -> tuple[Impression, Portrait]:
    """A beat of 120 under cadences in A minor: heard as fast and minor."""
    sound = sounds.drums(120, 12)[0] + sounds.cadences(9, "minor", 12.0)
    path = str(sounds.written(tmp_path_factory.mktemp("sound") / "a.wav", sound))
    section = Section(media=MediaReference(path=path), start_s=0.0, end_s=12.0)
    return listen(saved.load(saved.SHIPPED), section), portray(path, 0.0, 12.0)


def told(heard: tuple[Impression, Portrait], **music: object) -> str:
    impression, portrait = heard
    changed = replace(portrait, music=msgspec.structs.replace(portrait.music, **music))
    return description(saved.load(saved.SHIPPED), impression, changed, MOOD, 0.0)


def test_both_agree_on_numbers_and_the_key(heard: tuple[Impression, Portrait]) -> None:
    text = told(heard, tempo_bpm=150.0, tempo_confidence=0.9, key=2, mode="minor")
    assert text.startswith(f"{MOOD} It is in D minor, with a fast tempo of 150 BPM")


@pytest.mark.parametrize("music", [{"tempo_bpm": 60.0}, {"tempo_confidence": 0.1}])
def test_a_beat_that_does_not_fit_or_is_not_sure_is_no_number(
    heard: tuple[Impression, Portrait], music: dict[str, float]
) -> None:
    text = told(heard, **music)
    assert "a fast tempo" in text
    assert "BPM" not in text


def test_a_key_of_another_mode_is_not_told(heard: tuple[Impression, Portrait]) -> None:
    text = told(heard, key=0, mode="major", key_confidence=0.9)
    assert "major" not in text
    assert "minor" not in text


def test_without_a_sure_key_the_mode_is_told_where_it_is_heard_surely(
    heard: tuple[Impression, Portrait],
) -> None:
    sure = likeliest(saved.load(saved.SHIPPED), heard[0], "mode")[1]
    assert ("a minor key" in told(heard, key=None, mode=None)) == (sure >= 0.8)


def test_where_the_model_hears_nothing_surely_measurements_speak(
    heard: tuple[Impression, Portrait],
) -> None:
    nano = saved.load(saved.SHIPPED)
    # Toward the mean of all it learned from, no class of tempo is likelier than another.
    vague = Impression(nano.encoder["known"].mean(axis=0).astype(np.float32), 1)
    assert likeliest(nano, vague, "tempo")[1] < 0.7
    assert pace_words(nano, vague, heard[1]) == "About 120 beats a minute."


def test_the_stretch_may_begin_anywhere_in_its_file(
    heard: tuple[Impression, Portrait],
) -> None:
    nano = saved.load(saved.SHIPPED)
    rising = replace(heard[1], range_lu=20.0)
    assert "0:42" in description(nano, heard[0], replace(rising, peak_s=2.0), MOOD, 40.0)
