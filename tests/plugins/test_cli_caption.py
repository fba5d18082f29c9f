"""`musiscene caption` from end to end: sounds, movies and briefs, in words or refused in words."""

from __future__ import annotations

import json
from collections.abc import Iterator

import msgspec
import numpy as np
import pytest

from musiscene_core.brief import Captions, SceneBrief
from musiscene_core.captioning.heard import SoundCaptions
from musiscene_core.captioning.prompts import INSTRUMENTS
from musiscene_core.codec import read_json, to_json
from musiscene_core.errors import RequestError
from musiscene_plugins.cli.caption_sound import adapters_in
from musiscene_training.nano.grammar.writing import names_a_scene
from tests.plugins.test_cli_end_to_end import Desk
from tests.support import sounds
from tests.support.language_server import LanguageService, language_service
from tests.support.scenes import brief_of

ANSWER = "Slow strings over a soft piano."


@pytest.fixture(scope="module")
def service() -> Iterator[LanguageService]:
    with language_service(ANSWER) as running:
        yield running


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory, service: LanguageService) -> Iterator[Desk]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MUSISCENE_LLM_URL", service.url)
        made = Desk(tmp_path_factory.mktemp("desk"))
        heard = sounds.drums(120, 12)[0] + sounds.cadences(9, "minor", 12.0)
        sounds.written(made.folder / "temp.wav", heard)
        sounds.written(made.folder / "silent.wav", sounds.silence(2.0))
        sounds.written(made.folder / "blink.wav", sounds.tone(220, 0.01))
        sounds.written(made.folder / "nan.wav", np.full(9_000, np.nan, np.float32))
        yield made
        assert made.run("daemon", "stop").returncode == 0


def test_a_sound_is_described_and_says_who_listened(desk: Desk) -> None:
    done = desk.run("caption", "temp.wav")
    assert done.returncode == 0, done
    assert done.stdout.startswith("0:00.0 - 0:12.0\n")
    told = " ".join(done.stdout.split())
    assert "The mood of the music is" in told
    assert "It is in A minor, with a fast tempo of 120 BPM." in told
    assert "Note: Written by a small model" in told
    assert "colour and loudness are measured." in told


def test_what_nano_is_too_often_wrong_about_it_is_not_asked_unless_it_is_named(desk: Desk) -> None:
    asked = ("caption", "temp.wav", "--question", INSTRUMENTS)
    assert "cannot be told from measurements" in " ".join(desk.run(*asked).stdout.split())
    named = " ".join(desk.run(*asked, "--captioner", "nano").stdout.split())
    assert "one player in four right" in named


def test_the_status_lists_who_can_listen(desk: Desk) -> None:
    assert desk.run("caption", "temp.wav").returncode == 0
    status = desk.run("daemon", "status").stdout
    assert "signals (captioner): Writes by rules from what is measured; no model listens." in status


def test_the_scene_that_music_imagines_and_how_it_was_found(desk: Desk) -> None:
    done = desk.run("caption", "temp.wav", "--strategy", "msi", "--how")
    assert done.returncode == 0, done
    scene = msgspec.convert(desk.json("caption", "temp.wav", "--strategy", "msi"), SoundCaptions)
    assert names_a_scene(scene.sections[0].captions[0].text)
    assert "by: nano " in done.stdout
    assert "It heard: tempo" in done.stdout.replace("\n", " ")


def test_the_scene_by_measurements_is_there_for_the_asking(desk: Desk) -> None:
    asked = ("caption", "temp.wav", "--strategy", "msi", "--captioner", "signals", "--how")
    done = desk.run(*asked)
    assert done.returncode == 0, done
    assert "it could suit" in done.stdout
    assert "by: signals 1" in done.stdout
    assert "tempo_bpm 120" in done.stdout


def test_sections_and_parts_are_chosen(desk: Desk) -> None:
    printed = desk.json("caption", "temp.wav", "--section", "4", "--from", "2", "--to", "10")
    made = msgspec.convert(printed, SoundCaptions)
    spans = [(one.section.start_s, one.section.end_s) for one in made.sections]
    assert spans == [(2.0, 6.0), (6.0, 10.0)]
    assert made.captioner == "nano"


def test_what_cannot_be_heard_says_so_beside_the_rest(desk: Desk) -> None:
    done = desk.run("caption", "silent.wav", "temp.wav", "--output", "words.json")
    assert done.returncode == 0, done
    assert "silent.wav is silent." in done.stdout
    assert "120 BPM" in done.stdout
    made = read_json(desk.folder / "words.json", SoundCaptions)
    assert [bool(one.captions) for one in made.sections] == [False, True]


def test_fusion_of_a_sound_asks_the_language_model(desk: Desk, service: LanguageService) -> None:
    wanted = ("caption", "temp.wav", "--strategy", "fusion", "--seen", "A fox runs.")
    done = desk.run(*wanted, "--how")
    assert done.returncode == 0, done
    assert ANSWER in done.stdout
    assert f"asked at: {service.url}" in done.stdout
    assert "prompt: Video caption: 'A fox runs.'" in done.stdout
    ruled = desk.run(*wanted, "--language", "rules")
    assert "It goes with this picture: A fox runs." in ruled.stdout


def test_a_movies_scene_is_watched_first(desk: Desk, service: LanguageService) -> None:
    before = len(service.asked)
    done = desk.run("caption", "film.mp4", "--strategy", "conditions")
    assert done.returncode == 0, done
    assert f"Music conditions (new): {ANSWER}" in done.stdout
    sent = service.asked[before]["messages"][0]["content"]
    assert "Image captions: 1) " in sent
    assert "Video sentiments: " in sent
    video = desk.run("caption", "film.mp4", "--strategy", "video")
    assert "Video: " in video.stdout


def test_a_brief_keeps_how_its_captions_were_written(desk: Desk, service: LanguageService) -> None:
    brief = msgspec.structs.replace(brief_of(20.0, cuts=(5.0,), sad=1.0), captions=Captions())
    path = desk.folder / "mine.json"
    path.write_bytes(to_json(brief))
    done = desk.run("caption", "mine.json", "--strategy", "conditions", "--output", "mine.json")
    assert done.returncode == 0, done
    made = read_json(path, SceneBrief).captions.music_conditions
    assert (made.text, made.origin) == (ANSWER, "model")
    assert made.how is not None
    assert made.how.place == service.url
    written = path.read_text(encoding="utf-8")
    path.write_text(written.replace(f'"text": "{ANSWER}"', '"text": "Drums."'), encoding="utf-8")
    again = desk.run("caption", "mine.json", "--strategy", "conditions")
    assert "Music conditions (yours): Drums." in again.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("temp.wav", "--question", ""), "The question is empty."),
        (("temp.wav", "--question", "why " * 10_000), "more than 2000 characters"),
        (("temp.wav", "--question", "Who?"), "answers no questions of your own"),
        (("temp.wav", "--captioner", "nobody"), "no captioner called 'nobody'"),
        (("temp.wav", "--adapter", "house:0.5"), "has no adapter 'house'"),
        (("temp.wav", "--strategy", "fusion"), "needs to know what is seen"),
        (("temp.wav", "--strategy", "video"), "A sound shows nothing"),
        (("temp.wav", "--section", "0.1"), "Sections last 1 to 3600 s"),
        (("temp.wav", "--section", "some"), "is not a length"),
        (("temp.wav", "--from", "90"), "ends before the stretch begins"),
        (("temp.wav", "--from", "5", "--to", "5"), "must begin at 0 s or later"),
        (("temp.wav", "--only", "music"), "--only names captions of a brief"),
        (("silent.wav",), "is silent"),
        (("blink.wav",), "too short to be described"),
        (("nan.wav",), "no numbers"),
        (("gone.wav",), "gone.wav"),
        (("mine.txt",), "mine.txt"),
        (("plain.json", "--question", "Who?"), "--question says nothing of a brief"),
        (("plain.json", "temp.wav"), "one at a time"),
    ],
    ids=lambda value: value if isinstance(value, str) else value[-1][:12],
)
def test_what_cannot_be_captioned_is_refused_in_words(
    desk: Desk, arguments: tuple[str, ...], words: str
) -> None:
    (desk.folder / "mine.txt").write_text("no sound", encoding="utf-8")
    (desk.folder / "plain.json").write_bytes(to_json(brief_of(20.0, cuts=(5.0,))))
    done = desk.run("caption", *arguments, "--json")
    assert done.returncode == 2, done
    error = json.loads(done.stderr.splitlines()[-1])["error"]
    assert words in f"{error['message']} {error['hint']}"
    assert done.stdout == ""


def test_adapters_are_read_with_their_weights() -> None:
    assert adapters_in(["house:0.7", "noir", "a:b:2"]) == (
        ("house", 0.7),
        ("noir", 1.0),
        ("a:b", 2.0),
    )
    with pytest.raises(RequestError, match="no weight"):
        adapters_in(["house:much"])


def test_no_strategy_of_ours_is_a_usage_error(desk: Desk) -> None:
    done = desk.run("caption", "temp.wav", "--strategy", "smell")
    assert done.returncode == 2
    assert "none of msi, music, video, fusion, conditions" in done.stderr
