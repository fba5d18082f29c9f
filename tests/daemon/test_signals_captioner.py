"""The captioner that is always there: what it answers, and that it never pretends to be more."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
import pytest

from musiscene_core.captioning.generation import Generation
from musiscene_core.captioning.heard import Section, unheard
from musiscene_core.captioning.prompts import GENRE, INSTRUMENTS, QUESTIONS
from musiscene_core.captioning.request import ListenRequest, SoundPart
from musiscene_core.errors import MediaError, RequestError
from musiscene_core.progress import silent
from musiscene_core.timeline import MediaReference
from musiscene_daemon import hearing
from musiscene_daemon.engines.registry import Registry
from musiscene_daemon.engines.signals import SignalsCaptioner
from tests.support import sounds
from tests.support.memory import peak_from_now_kb, peak_kb

ASKED = tuple(question for known in QUESTIONS.values() for question in known)


@pytest.fixture(scope="module")
def media(tmp_path_factory: pytest.TempPathFactory) -> MediaReference:
    folder = tmp_path_factory.mktemp("sound")
    heard = sounds.drums(120, 12)[0] + sounds.cadences(9, "minor", 12.0)
    return MediaReference(path=str(sounds.written(folder / "a.wav", heard)))


def section(media: MediaReference, start_s: float, end_s: float) -> Section:
    return Section(media=media, start_s=start_s, end_s=end_s)


def test_it_knows_every_question_and_says_how_it_answered(media: MediaReference) -> None:
    (heard,) = SignalsCaptioner().answer([section(media, 0.0, 12.0)], ASKED, Generation())
    texts = dict(zip(ASKED, (caption.text for caption in heard.captions), strict=True))
    assert "120 BPM in A minor" in texts[ASKED[0]]
    for untold in (INSTRUMENTS, GENRE):
        assert "cannot be told from measurements" in texts[untold]
    for caption in heard.captions:
        assert caption.origin == "signals"
        assert caption.how is not None
        assert caption.how.notes == ("Written by rules from measurements; no model listened.",)
        assert caption.how.wrote == caption.text
        assert dict(caption.how.settings)["tempo_bpm"] == pytest.approx(120, abs=0.5)


def test_what_it_says_depends_on_no_other_section(media: MediaReference, tmp_path: Path) -> None:
    other = MediaReference(path=str(sounds.written(tmp_path / "b.wav", sounds.tone(440, 9.0, 0.4))))
    one, two = section(media, 0.0, 8.0), section(other, 1.0, 9.0)
    missing = section(MediaReference(path=str(tmp_path / "none.wav")), 0.0, 1.0)
    alone = SignalsCaptioner().answer([one], ASKED, Generation())
    among = SignalsCaptioner().answer([two, missing, one, two], ASKED, Generation(seed=9))
    assert among[2] == alone[0]
    assert among[0] == among[3]
    assert "none.wav" in among[1].problem


def listen(*media: MediaReference, end_s: float | None = None, **changes: object) -> list[str]:
    parts = tuple(SoundPart(media=one, end_s=end_s) for one in media)
    request = ListenRequest(sounds=parts, **changes)  # type: ignore[arg-type]
    made = hearing.listen(request, Registry(), unheard, silent)
    return [one.problem or one.captions[0].text for one in made.sections]


def test_free_questions_are_refused_and_known_ones_are_not(media: MediaReference) -> None:
    with pytest.raises(RequestError, match=r"answers no questions of your own, only: Describe"):
        listen(media, questions=("Who wrote it?",))
    assert listen(media, questions=(INSTRUMENTS,))[0].startswith("Instruments cannot be told")


def test_a_scene_is_imagined_where_that_is_asked(media: MediaReference) -> None:
    (text,) = listen(media, strategy="scene_imagination")
    assert text.startswith("Going by tempo, key, loudness and brightness alone, it could suit")


def test_what_cannot_be_heard_is_told_in_words(media: MediaReference, tmp_path: Path) -> None:
    paths = {
        "silent": sounds.written(tmp_path / "silent.wav", sounds.silence(3.0)),
        "blink": sounds.written(tmp_path / "blink.wav", sounds.tone(220, 0.01)),
        "nan": sounds.written(tmp_path / "nan.wav", np.full(9_000, np.nan, np.float32)),
    }
    references = [MediaReference(path=str(path)) for path in paths.values()]
    texts = listen(*references, media)
    assert "is silent" in texts[0]
    assert "too short" in texts[1]
    assert "no numbers" in texts[2]
    assert "120 BPM" in texts[3]
    for reference, words in zip(references, ("is silent", "too short", "no numbers"), strict=True):
        with pytest.raises(MediaError, match=words):
            listen(reference)


@pytest.mark.slow
@pytest.mark.timeout(1500)
def test_three_hours_are_described_by_sections_in_little_memory(tmp_path: Path) -> None:
    minutes = 180
    piece = sounds.cadences(2, "minor", 60.0)[::2]
    with wave.open(str(tmp_path / "long.wav"), "wb") as file:
        file.setparams((1, 2, sounds.RATE // 2, 0, "NONE", ""))
        for minute in range(minutes):
            level = 20_000 if minute % 2 else 2_000
            file.writeframes((level * piece / abs(piece).max()).astype("<i2").tobytes())
    listen(MediaReference(path=str(tmp_path / "long.wav")), sectioning="whole", end_s=60.0)
    before_kb = peak_from_now_kb()
    texts = listen(MediaReference(path=str(tmp_path / "long.wav")))
    grown_kb = peak_kb() - before_kb
    assert len(texts) == minutes
    assert all("music" in text for text in texts)
    assert grown_kb < 150_000
