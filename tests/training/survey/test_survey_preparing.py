"""From scenes to a survey: what is found, how loud it gets, and what cannot be used."""

from __future__ import annotations

import shutil
from fractions import Fraction

import msgspec
import numpy as np
import pytest

from musiscene_core.loudness import LoudnessMeter, integrated
from musiscene_core.media import probe, read_audio, to_int24, write_wav
from musiscene_training.cli import main
from musiscene_training.survey.plan import order, read_survey
from musiscene_training.survey.sources import find_sources
from tests.support.make_media import make_movie, tone
from tests.support.surveys import SCENES, SYSTEMS, prepared, sound_scenes


@pytest.fixture(scope="module")
def scenes(tmp_path_factory):
    return sound_scenes(tmp_path_factory.mktemp("scenes"))


@pytest.fixture(scope="module")
def survey(scenes, tmp_path_factory):
    return prepared(scenes, tmp_path_factory.mktemp("survey"), "--reference", "original")


def loudness_of(path):
    meter = LoudnessMeter()
    meter.hear(read_audio(path, Fraction(0), probe(path).duration, sample_rate=48_000, channels=2))
    return integrated(meter.finish())


def ends_with(arguments, capsys, *words):
    assert main(["survey", *map(str, arguments)]) == 2
    said = capsys.readouterr().err
    for word in words:
        assert word in said
    return said


def test_all_versions_are_equally_loud_and_exactly_as_long(survey):
    plan = read_survey(survey)
    assert (plan.scenes, plan.systems, plan.reference) == (
        tuple(sorted(SCENES)),
        SYSTEMS,
        "original",
    )
    assert plan.loudness_lufs == -23.0
    for item in plan.items:
        path = survey / "media" / item.file
        assert loudness_of(path) == pytest.approx(-23.0, abs=0.1)
        assert probe(path).duration == 1
        assert item.loudness_lufs + item.gain_db == pytest.approx(-23.0, abs=0.01)
    gains = {item.system: item.gain_db for item in plan.items if item.scene == "Heist"}
    assert gains["original"] - gains["marvin"] == pytest.approx(6.02, abs=0.1)


def test_nothing_in_a_file_or_its_name_says_what_it_is(survey):
    files = sorted((survey / "media").iterdir())
    assert len(files) == 9
    for file in files:
        content = file.read_bytes().lower()
        for word in (*SYSTEMS, *SCENES, "made by"):
            assert word.lower().encode() not in content
            assert word.lower() not in file.name
    assert len({file.stat().st_mtime for file in files}) == 1


def test_a_peak_makes_all_softer_rather_than_being_cut(tmp_path, capsys):
    scenes = sound_scenes(tmp_path / "scenes", scenes=("Heist",))
    crack = tone(48_000, 220, channels=2) * np.float32(0.05)
    crack[:, 24_000] = 0.9
    write_wav(scenes / "Heist" / "zebra.wav", to_int24(crack))
    plan = read_survey(prepared(scenes, tmp_path / "survey"))
    assert "so that no peak is cut off" in capsys.readouterr().err
    assert plan.loudness_lufs < -24
    for item in plan.items:
        sound = read_audio(
            tmp_path / "survey" / "media" / item.file,
            Fraction(0),
            Fraction(1),
            sample_rate=48_000,
            channels=2,
        )
        assert np.abs(sound).max() <= 10 ** (-0.99 / 20)


def test_a_picture_is_shown_with_each_systems_sound(tmp_path, capsys):
    scenes = sound_scenes(tmp_path / "scenes", scenes=("Heist",))
    picture = tone(48_000, 990, channels=2)
    make_movie(scenes / "Heist" / "picture.mp4", frames=25, size=(191 * 2, 64), sounds=[picture])
    (scenes / "Heist" / "scene.txt").write_text("A vault <at> night.\n")
    plan = read_survey(prepared(scenes, tmp_path / "survey"))
    assert plan.has_picture
    assert plan.texts == {"Heist": "A vault <at> night."}
    for item in plan.items:
        path = tmp_path / "survey" / "media" / item.file
        info = probe(path)
        assert info.video is not None
        assert info.video.frame_count == 25
        heard = read_audio(path, Fraction(0), Fraction(1), sample_rate=48_000)[0]
        spectrum = np.abs(np.fft.rfft(heard))
        assert abs(int(spectrum.argmax()) - (220 + 10 * SYSTEMS.index(item.system))) <= 1
        assert spectrum[985:995].max() < spectrum.max() / 100


def test_folders_and_tables_name_systems_too(tmp_path, scenes):
    by_folder = tmp_path / "folders"
    for system in SYSTEMS:
        (by_folder / "Heist" / system / "stems").mkdir(parents=True)
        for name in ("mix.wav", "click.wav"):
            shutil.copy(scenes / "Heist" / f"{system}.wav", by_folder / "Heist" / system / name)
    found = find_sources(by_folder)
    assert found.systems == SYSTEMS
    assert {source.file.name for source in found.sources} == {"mix.wav"}
    table = tmp_path / "list.csv"
    rows = [f"Heist,{system},folders/Heist/{system}/mix.wav,Quiet" for system in SYSTEMS]
    table.write_text("scene,system,file,text\n" + "\n".join(rows) + "\n", encoding="utf-8-sig")
    listed = find_sources(table)
    assert [source.file for source in listed.sources] == [
        tmp_path / "folders" / "Heist" / system / "mix.wav" for system in SYSTEMS
    ]
    assert listed.texts == {"Heist": "Quiet"}


def test_unequal_systems_end_it_and_are_named(scenes, tmp_path, capsys):
    unequal = tmp_path / "unequal"
    shutil.copytree(scenes, unequal)
    (unequal / "Chase" / "zebra.wav").unlink()
    ends_with(
        ["prepare", unequal, "--output", tmp_path / "out"],
        capsys,
        "Chase lacks zebra",
        "same systems",
    )
    assert not (tmp_path / "out").exists()


def test_every_file_that_cannot_be_used_is_named_and_nothing_is_left(scenes, tmp_path, capsys):
    broken = tmp_path / "broken"
    shutil.copytree(scenes, broken)
    (broken / "Chase" / "zebra.wav").write_bytes(b"RIFF" + bytes(range(256)) * 20)
    (broken / "Heist" / "marvin.wav").write_bytes(b"")
    silent = np.zeros((2, 48_000), np.int32)
    write_wav(broken / "Farewell" / "original.wav", silent)
    said = ends_with(["prepare", broken, "--output", tmp_path / "out"], capsys, "is silent")
    for name in ("zebra.wav", "marvin.wav", "original.wav"):
        assert name in said
    assert not (tmp_path / "out" / "media").exists()


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"", "lacks the column file, scene, system"),
        (b"scene,system,file\nHeist,ours,\n", "line 2: a cell is empty"),
        (b"scene,system,file\n", "No scene was found"),
        (b"scene,system,file\na,b,c.wav\na,b,d.wav\n", "two files of system b"),
        (b"scene,system,file\na,b,c.wav\n", "only one system"),
        (b"scene,system,file\n\xff\xfe,b,c.wav\n", "not a CSV file in UTF-8"),
        (b"scene,system,file\na,b,no.wav\na,c,none.wav\n", "no.wav"),
        (b"scene,system,file\n" + b'"' + b"x" * 200_000 + b'",b,c\n', "not a CSV file"),
    ],
)
def test_a_table_that_makes_no_sense_is_explained(tmp_path, capsys, content, word):
    (tmp_path / "list.csv").write_bytes(content)
    ends_with(["prepare", tmp_path / "list.csv", "--output", tmp_path / "out"], capsys, word)


def test_folders_that_make_no_sense_are_explained(scenes, tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    out = ["--output", tmp_path / "out"]
    ends_with(["prepare", tmp_path / "empty", *out], capsys, "No scene was found")
    ends_with(["prepare", tmp_path / "absent", *out], capsys, "neither a folder")
    ends_with(["prepare", scenes, *out, "--reference", "John"], capsys, "marvin, original, zebra")
    ends_with(["prepare", scenes, *out, "--loudness", "3"], capsys, "-23 is usual")
    ends_with(["prepare", scenes, "--output", scenes], capsys, "not empty")
    ends_with(["serve", tmp_path / "empty"], capsys, "no survey", "survey prepare")
    ends_with(["results", tmp_path / "empty"], capsys, "no survey")


def test_films_and_sound_do_not_mix(scenes, tmp_path, capsys):
    mixed = tmp_path / "mixed"
    shutil.copytree(scenes, mixed)
    make_movie(mixed / "Chase" / "zebra.mp4", frames=25, sounds=[tone(48_000, 220)])
    (mixed / "Chase" / "zebra.wav").unlink()
    ends_with(["prepare", mixed, "--output", tmp_path / "out"], capsys, "has no picture")


def test_versions_of_unequal_length_are_told(scenes, tmp_path, capsys):
    unequal = tmp_path / "unequal"
    shutil.copytree(scenes / "Heist", unequal / "Heist")
    write_wav(unequal / "Heist" / "zebra.wav", to_int24(tone(96_000, 220, channels=2)))
    prepared(unequal, tmp_path / "out")
    assert "Versions of Heist last 1.0 to 2.0 s" in capsys.readouterr().err


def test_a_damaged_survey_is_not_held(survey, tmp_path, capsys):
    copy = tmp_path / "copy"
    shutil.copytree(survey, copy)
    plan = read_survey(copy)
    (copy / "survey.json").write_bytes(msgspec.json.encode(plan)[:-40])
    ends_with(["serve", copy], capsys, "survey.json")
    fewer = msgspec.structs.replace(plan, items=plan.items[1:])
    (copy / "survey.json").write_bytes(msgspec.json.encode(fewer))
    ends_with(["serve", copy], capsys, "not every scene has every system")
    outside = msgspec.structs.replace(plan.items[0], file="../survey.json")
    bad = msgspec.structs.replace(plan, items=(outside, *plan.items[1:]))
    (copy / "survey.json").write_bytes(msgspec.json.encode(bad))
    ends_with(["serve", copy], capsys, "is missing")
    (copy / "survey.json").write_bytes(msgspec.json.encode(plan))
    (copy / "media" / plan.items[0].file).unlink()
    ends_with(["serve", copy], capsys, "is missing")


def test_orders_follow_from_the_seed_and_differ_between_listeners(survey):
    plan = read_survey(survey)
    orders = [order(plan, number) for number in range(1, 301)]
    assert orders == [order(plan, number) for number in range(1, 301)]
    assert orders[0] != [order(msgspec.structs.replace(plan, seed=1), 1)]
    for pages in orders:
        assert sorted(page.scene for page in pages) == sorted(plan.scenes)
        assert all(sorted(page.systems) == sorted(plan.systems) for page in pages)
    # Each system comes first about as often as the others, and each scene.
    firsts = [page.systems[0] for pages in orders for page in pages]
    assert all(240 < firsts.count(system) < 360 for system in plan.systems)
    assert all(70 < [pages[0].scene for pages in orders].count(scene) < 130 for scene in SCENES)
