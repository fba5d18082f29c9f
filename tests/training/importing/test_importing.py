"""Imports from the command line: files in the layouts of their makers, and broken ones."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import opentimelineio as otio
import pytest

from musiscene_core.captioning.prompts import DESCRIBE, SCENE, VIDEO
from musiscene_training.cli import main
from musiscene_training.dataset import read_dataset
from musiscene_training.importing.timelines import read_timelines
from musiscene_training.vacad.selecting import from_list
from tests.support import shared_media

COLUMNS = ["Music Caption 1", "Music Caption 2", "Video Caption", "Mixtral Audio", "Mixtral Video"]
SECOND = "Describe elements of the music."


def touched(folder: Path, *names: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).touch()
    return folder


def problems(folder: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in (folder / "problems.jsonl").read_text().splitlines()]


def test_musicqa_becomes_rows_of_the_music_that_is_there(tmp_path, capsys) -> None:
    items = [
        {
            "audio_name": "a.wav",
            "conversation": [
                {"from": "human", "value": "What is it?"},
                {"from": "gpt", "value": "A waltz."},
                {"from": "human", "value": "How fast?"},
                {"from": "gpt", "value": "Slow."},
            ],
        },
        {"audio_name": "gone.wav", "conversation": []},
        {"audio_name": "a.wav", "conversation": [{"from": "gpt", "value": "Hello."}]},
        {"audio": 3},
    ]
    (tmp_path / "qa.json").write_text(json.dumps(items))
    media, output = touched(tmp_path / "media", "a.wav"), tmp_path / "out"
    arguments = ["import", "musicqa", str(tmp_path / "qa.json"), "--media", str(media)]
    assert main([*arguments, "--output", str(output), "--licence", "CC BY"]) == 0
    rows = read_dataset(output).rows
    assert [(row.question, row.answer) for row in rows] == [
        ("What is it?", "A waltz."),
        ("How fast?", "Slow."),
    ]
    assert {(row.sound, row.source, row.licence) for row in rows} == {
        (str(media / "a.wav"), "a.wav", "CC BY")
    }
    assert len(problems(output)) == 3
    assert main([*arguments, "--output", str(output)]) == 2
    assert "there already" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["", "{}", "[" * 100_000, '[{"audio_name": "x.wav"'])
def test_what_is_no_musicqa_is_refused(tmp_path, capsys, text) -> None:
    (tmp_path / "qa.json").write_text(text)
    arguments = ["import", "musicqa", str(tmp_path / "qa.json"), "--media", str(tmp_path)]
    assert main([*arguments, "--output", str(tmp_path / "out")]) == 2
    assert "qa.json is not as it should be" in capsys.readouterr().err


def published(folder: Path, rows: list[list[str]]) -> list[str]:
    with (folder / "vacad.csv").open("w", newline="") as file:
        csv.writer(file).writerows([COLUMNS, *rows])
    answers = {f"video{n}": {"q": SECOND, "pred": row[1]} for n, row in enumerate(rows)}
    (folder / "ids.json").write_text(json.dumps(answers))
    return ["import", "vacad", str(folder / "vacad.csv"), "--ids", str(folder / "ids.json")]


def test_vacads_public_text_is_cleaned_and_joined_to_its_videos(tmp_path, capsys) -> None:
    told = "The video captions suggest that a man walks. The music is slow."
    rows = [
        ["Slow.", "Sad strings.", "a man walks", told, "A man walks home alone."],
        ["Fast.", "Drums.", "a car", "The drums drive on.", ""],
        ["Gone.", "Gone too.", "x", "y", "z"],
    ]
    media, output = touched(tmp_path / "media", "video0.wav", "video1.mp4"), tmp_path / "out"
    arguments = [*published(tmp_path, rows), "--media", str(media)]
    assert main([*arguments, "--output", str(output)]) == 0
    music = read_dataset(output / "music").rows
    assert [(row.question, row.answer) for row in music[:2]] == [
        (DESCRIBE, "Slow."),
        (SECOND, "Sad strings."),
    ]
    assert read_dataset(output / "fusion").rows[0].answer == "A man walks. The music is slow."
    (scene,) = read_dataset(output / "msi").rows
    assert (scene.question, scene.answer) == (VIDEO, "A man walks home alone.")
    assert [one["row"] for one in problems(output)] == ["video1 msi", "video2"]
    capsys.readouterr()

    (tmp_path / "ids.json").write_text(json.dumps({"a": {"pred": "other"}}))
    assert main([*arguments, "--output", str(tmp_path / "again")]) == 2
    assert "does not belong to" in capsys.readouterr().err


def test_the_published_files_are_as_this_reads_them(tmp_path) -> None:
    data = shared_media.FOLDER.parent / "data"
    if not data.is_dir():
        pytest.skip("the published texts are not here")
    ids = list(json.loads((data / "mullama_output.json").read_text()))
    media = touched(tmp_path / "media", *(f"{name}.mp4" for name in ids))
    arguments = ["import", "vacad", str(data / "vacad_public_699.csv")]
    arguments += ["--ids", str(data / "mullama_output.json"), "--media", str(media)]
    assert main([*arguments, "--output", str(tmp_path / "out")]) == 0
    counts = [
        len(read_dataset(tmp_path / "out" / name).rows) for name in ("music", "fusion", "msi")
    ]
    assert counts == [1398, 699, 589]
    said = " ".join(row.answer for row in read_dataset(tmp_path / "out/fusion").rows)
    assert said.casefold().count("caption") < 30


def test_a_cue_sheet_becomes_rows_and_clips(tmp_path, capsys) -> None:
    library = touched(tmp_path / "library", "1m1.wav", "1m2.wav", "film.mov")
    (library / "cues.csv").write_text(
        "Cue,Filename,Description,Project,Start,End,Picture,Picture In,Picture Out,Licence\n"
        "1m1,1m1.wav,Rain on neon.,Noir,,,film.mov,0:01:30,1:32.5,ours\n"
        "1m2,1m2.wav,,Noir,2,4.5,,,,\n"
        "1m3,gone.wav,Lost.,Noir,,,,,,\n"
        "1m1,1m2.wav,Twice.,Noir,,,,,,\n"
        "1m4,1m2.wav,Odd.,Noir,soon,,,,,\n"
    )
    output = tmp_path / "out"
    arguments = ["import", "cues", str(library / "cues.csv"), "--output", str(output)]
    assert main([*arguments, "--licence", "house"]) == 0
    (row,) = read_dataset(output).rows
    assert (row.id, row.question, row.answer) == ("Noir/1m1", SCENE, "Rain on neon.")
    assert (row.sound, row.source, row.licence) == (str(library / "1m1.wav"), "Noir", "ours")
    first, second = from_list(output / "clips.jsonl").clips
    assert first.scene == "Rain on neon."
    assert (first.pictures[0].start_s, first.pictures[0].end_s) == (90.0, 92.5)
    assert second.sound is not None
    assert (second.sound.start_s, second.sound.end_s, second.licence) == (2.0, 4.5, "house")
    reasons = [one["why"] for one in problems(output)]
    assert ["gone.wav is not there" in reasons[0], "called 'Noir/1m1'" in reasons[1]] == [True] * 2
    assert "'soon' is neither seconds" in reasons[2]
    (library / "odd.csv").write_text("What,Why\n1,2\n")
    assert main(["import", "cues", str(library / "odd.csv"), "--output", "x"]) == 2
    assert "no column that names" in capsys.readouterr().err


def clip(
    path: Path, start: float, length: float, media_start: float = 0.0, **more
) -> otio.schema.Clip:
    def span(begin: float, seconds: float) -> otio.opentime.TimeRange:
        return otio.opentime.TimeRange(
            otio.opentime.RationalTime(begin * 24, 24), otio.opentime.RationalTime(seconds * 24, 24)
        )

    reference = otio.schema.ExternalReference(
        target_url=path.as_uri(), available_range=span(media_start, 100)
    )
    return otio.schema.Clip(
        name=path.stem,
        media_reference=reference,
        source_range=span(media_start + start, length),
        **more,
    )


def test_music_on_a_timeline_and_the_picture_above_it_make_a_pair(tmp_path) -> None:
    media = touched(tmp_path / "my films", "a b.mov", "c.mov", "music.wav")
    a, c, music = (media / name for name in ("a b.mov", "c.mov", "music.wav"))
    timeline = otio.schema.Timeline("cut")
    picture = otio.schema.Track("V1", kind="Video")
    picture.extend([clip(a, 10, 4, 3600), clip(c, 0, 6)])
    sound = otio.schema.Track("MX_Temp", kind="Audio")
    gap = otio.schema.Gap(duration=otio.opentime.RationalTime(48, 24))
    fast = clip(music, 0, 2, effects=[otio.schema.LinearTimeWarp(time_scalar=2.0)])
    sound.extend([gap, clip(music, 5, 4), fast])
    voices = otio.schema.Track("Dialogue", kind="Audio")
    voices.append(clip(music, 0, 10))
    timeline.tracks.extend([picture, sound, voices])
    folder = touched(tmp_path / "cuts")
    otio.adapters.write_to_file(timeline, str(folder / "reel.otio"))
    (folder / "broken.otio").write_text('{"OTIO_SCHEMA": "Timeline.1", ')
    (folder / "deep.otio").write_text("[" * 200_000)
    (folder / "clip.otio").write_text(json.dumps({"OTIO_SCHEMA": "Clip.1"}))

    output = tmp_path / "out"
    assert main(["import", "cues", str(folder), "--output", str(output)]) == 0
    (found,) = from_list(output / "clips.jsonl").clips
    assert (found.id, found.source) == ("reel/MX_Temp/1", "reel")
    assert found.sound is not None
    assert (found.sound.path, found.sound.start_s, found.sound.end_s) == (str(music), 5.0, 9.0)
    assert [(one.path, one.start_s, one.end_s) for one in found.pictures] == [
        (str(a), 12.0, 14.0),
        (str(c), 0.0, 2.0),
    ]
    left = {one["row"]: one["why"] for one in problems(output)}
    assert set(left) == {"broken", "deep", "clip", "reel/MX_Temp/2"}
    assert left["reel/MX_Temp/2"] == "It runs at another speed."


@pytest.mark.parametrize(
    "address", ["file://{folder}/take #2.wav", "file://localhost{folder}/take%20%232.wav"]
)
def test_media_addresses_are_read_as_where_timelines_are_scored(tmp_path, address: str) -> None:
    touched(tmp_path, "take #2.wav", "c.mov")
    music = clip(tmp_path / "take #2.wav", 0, 4)
    music.media_reference.target_url = address.format(folder=tmp_path)
    timeline = otio.schema.Timeline("cut")
    picture, sound = (otio.schema.Track(name, kind=name) for name in ("Video", "Audio"))
    sound.name = "Music"
    picture.append(clip(tmp_path / "c.mov", 0, 4))
    sound.append(music)
    timeline.tracks.extend([picture, sound])
    otio.adapters.write_to_file(timeline, str(tmp_path / "reel.otio"))
    (found,) = read_timelines(tmp_path).clips
    assert found.sound is not None
    assert found.sound.path == str(tmp_path / "take #2.wav")
