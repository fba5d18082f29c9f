"""The captioner that MusiScene comes with: its shipped weights, without torch, on real sound."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from musiscene_core.captioning.generation import Generation
from musiscene_core.captioning.heard import Section, unheard
from musiscene_core.captioning.nano import saved
from musiscene_core.captioning.nano.asking import Impression, answer_tokens, is_strange
from musiscene_core.captioning.nano.asking import listen as listen_to
from musiscene_core.captioning.prompts import DESCRIBE, MOOD, QUESTIONS, SCENE, TEMPO
from musiscene_core.captioning.request import ListenRequest, SoundPart
from musiscene_core.errors import MediaError, ModelError, RequestError
from musiscene_core.progress import silent
from musiscene_core.request import NANO, SIGNALS
from musiscene_core.timeline import MediaReference
from musiscene_daemon import hearing
from musiscene_daemon.engines.nano import NanoCaptioner
from musiscene_daemon.engines.registry import Registry
from musiscene_training.nano.grammar.writing import names_a_scene
from tests.support import sounds

ASKED = tuple(question for known in QUESTIONS.values() for question in known)
MEASURED_TOO = (DESCRIBE, TEMPO)
MOST_BYTES = 12_000_000


@pytest.fixture(scope="module")
def media(tmp_path_factory: pytest.TempPathFactory) -> MediaReference:
    folder = tmp_path_factory.mktemp("sound")
    heard = sounds.drums(120, 24)[0] + sounds.cadences(9, "minor", 24.0)
    return MediaReference(path=str(sounds.written(folder / "a.wav", heard)))


def section(media: MediaReference, start_s: float, end_s: float) -> Section:
    return Section(media=media, start_s=start_s, end_s=end_s)


def ask(*sections: Section, questions: tuple[str, ...] = ASKED, **settings: object):
    return NanoCaptioner().answer(sections, questions, Generation(**settings))  # type: ignore[arg-type]


def listen(*media: MediaReference, **changes: object) -> list[str]:
    parts = tuple(SoundPart(media=one) for one in media)
    request = ListenRequest(sounds=parts, captioner=NANO, **changes)  # type: ignore[arg-type]
    made = hearing.listen(request, Registry(), unheard, silent)
    return [one.problem or one.captions[0].text for one in made.sections]


def test_it_is_there_beside_the_one_that_measures() -> None:
    assert {NANO, SIGNALS} <= set(Registry().captioners)


def test_the_shipped_files_are_small_and_whole() -> None:
    files = {path.name: path.stat().st_size for path in saved.SHIPPED.iterdir()}
    assert {saved.MODEL_FILE, saved.WEIGHTS_FILE, "MODEL_CARD.md", "figures.json"} <= set(files)
    assert sum(files.values()) < MOST_BYTES
    nano = saved.load(saved.SHIPPED)
    assert set(nano.manifest.questions) == set(ASKED)
    assert all(np.isfinite(w).all() for w in (*nano.encoder.values(), *nano.language.values()))


def test_it_answers_every_question_in_its_own_words_and_says_how(media: MediaReference) -> None:
    (heard,) = ask(section(media, 0.0, 24.0))
    words = saved.load(saved.SHIPPED).words
    for question, caption in zip(ASKED, heard.captions, strict=True):
        if question not in MEASURED_TOO:
            assert words.knows(caption.text), question
        assert caption.text.endswith(".")
        assert caption.origin == "model"
        assert caption.how is not None
        assert caption.how.writer == NANO
        assert caption.how.model == saved.load(saved.SHIPPED).identity
        assert caption.how.wrote == caption.text
    scene = heard.captions[ASKED.index(SCENE)].text
    assert names_a_scene(scene), scene


def test_a_description_is_its_mood_and_what_is_measured(media: MediaReference) -> None:
    (heard,) = ask(section(media, 0.0, 24.0), questions=(MOOD, DESCRIBE, TEMPO))
    mood, described, tempo = heard.captions
    assert described.text.startswith(mood.text)
    assert "A minor" in described.text
    assert "120 BPM" in described.text
    assert tempo.text == "It has a fast tempo of 120 BPM."
    for caption in (described, tempo):
        assert caption.how is not None
        assert dict(caption.how.settings)["tempo_bpm"] == pytest.approx(120, abs=1)
        assert any("are measured" in note for note in caption.how.notes)


def test_whatever_it_hears_its_answers_are_whole_sentences() -> None:
    nano = saved.load(saved.SHIPPED)
    random = np.random.default_rng(3)
    freely = Generation(temperature=1.5, top_p=1.0, seed=1)
    for embedded in random.uniform(0, 3, (6, 192)).astype(np.float32):
        for question, adapter in nano.manifest.questions.items():
            for settings in (Generation(), freely):
                tokens = list(answer_tokens(nano, embedded, question, adapter, settings))
                assert nano.sentences.has(question, tokens), nano.words.text(tokens)


def test_sound_unlike_music_is_told_to_be_that(media: MediaReference) -> None:
    nano = saved.load(saved.SHIPPED)
    heard = listen_to(nano, section(media, 0.0, 24.0))
    assert not is_strange(nano, heard)
    assert is_strange(nano, Impression(np.eye(192, dtype=np.float32)[0], 1))


def test_it_hears_drums_and_a_fast_beat(media: MediaReference) -> None:
    (heard,) = ask(section(media, 0.0, 24.0), questions=(TEMPO,))
    assert any(word in heard.captions[0].text for word in ("fast", "quick", "rapid"))


def test_the_same_seed_says_the_same_and_no_section_changes_another(
    media: MediaReference, tmp_path: Path
) -> None:
    tone = sounds.cadences(4, "major", 9.0)
    other = MediaReference(path=str(sounds.written(tmp_path / "b.wav", tone)))
    missing = section(MediaReference(path=str(tmp_path / "none.wav")), 0.0, 1.0)
    one, two = section(media, 0.0, 12.0), section(other, 0.0, 9.0)
    alone = ask(one, seed=4, temperature=0.8, top_p=0.9)
    among = ask(two, missing, one, two, seed=4, temperature=0.8, top_p=0.9)
    assert among[2] == alone[0]
    assert among[0] == among[3]
    assert "none.wav" in among[1].problem


def test_texts_grow_to_what_they_become(media: MediaReference) -> None:
    grown: dict[tuple[int, int], str] = {}

    def hear(place: int, question: int, piece: str) -> None:
        grown[place, question] = grown.get((place, question), "") + piece

    one = section(media, 0.0, 12.0)
    made = NanoCaptioner().answer([one, one], ASKED[:2], Generation(), on_text=hear)
    for (place, question), text in grown.items():
        assert made[place].captions[question].text == text
    assert len(grown) == 4


def test_sounds_shorter_and_longer_than_a_window_are_heard(media: MediaReference) -> None:
    for start_s, end_s in ((0.0, 0.5), (0.0, 10.0), (3.0, 13.1), (0.0, 23.9)):
        (heard,) = ask(section(media, start_s, end_s), questions=(TEMPO,))
        assert heard.captions, heard.problem


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
    assert texts[3].endswith(".")
    for reference, words in zip(references, ("is silent", "too short", "no numbers"), strict=True):
        with pytest.raises(MediaError, match=words):
            listen(reference)


def test_of_noise_measurements_say_that_there_is_no_music(tmp_path: Path) -> None:
    noise = np.random.default_rng(1).standard_normal(sounds.RATE * 6).astype(np.float32) * 0.1
    path = MediaReference(path=str(sounds.written(tmp_path / "noise.wav", noise)))
    (heard,) = ask(section(path, 0.0, 6.0), questions=(SCENE,))
    (caption,) = heard.captions
    assert "No music is heard" in caption.text
    assert caption.how is not None
    assert caption.how.writer == SIGNALS
    assert any("in its place" in note for note in caption.how.notes)


def test_free_questions_are_refused(media: MediaReference) -> None:
    with pytest.raises(RequestError, match="answers no questions of your own"):
        listen(media, questions=("Who wrote it?",))


@pytest.mark.parametrize("harm", ["cut", "changed", "gone", "manifest"])
def test_damaged_weights_are_found_and_measurements_answer_in_their_place(
    media: MediaReference, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, harm: str
) -> None:
    folder = tmp_path / "shipped"
    shutil.copytree(saved.SHIPPED, folder)
    weights = folder / saved.WEIGHTS_FILE
    content = weights.read_bytes()
    if harm == "cut":
        weights.write_bytes(content[:1000])
    elif harm == "changed":
        weights.write_bytes(content[:-5000] + b"\x01" + content[-4999:])
    elif harm == "gone":
        weights.unlink()
    else:
        (folder / saved.MODEL_FILE).write_bytes(b'{"words": 1}')
    with pytest.raises(ModelError) as told:
        saved.load(folder)
    assert "Install MusiScene again" in told.value.hint
    monkeypatch.setattr(saved, "SHIPPED", folder)
    (heard,) = ask(section(media, 0.0, 12.0), questions=(TEMPO,))
    assert heard.captions[0].how is not None
    assert heard.captions[0].how.writer == SIGNALS
    assert "in its place" in heard.captions[0].how.notes[-1]


def test_neither_torch_nor_a_runtime_is_loaded(media: MediaReference) -> None:
    code = (
        "import sys\n"
        "from tests.daemon.test_nano_captioner import ask, section, MediaReference\n"
        f"one = section(MediaReference(path={media.path!r}), 0.0, 12.0)\n"
        "assert ask(one)[0].captions\n"
        "assert not {'torch', 'transformers', 'onnxruntime'} & set(sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=Path(__file__).parents[2], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
