"""Which clips are chosen, and what is said of those that are not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from musiscene_core.errors import InputError, RequestError
from musiscene_training.vacad.clips import Clip
from musiscene_training.vacad.selecting import from_audioset, from_folder, from_list
from musiscene_training.vacad.settings import Settings, Sources
from musiscene_training.vacad.splitting import sides
from tests.support.clips import VIDEO_IDS, audioset


def test_audioset_gives_the_clips_that_are_labelled_music(tmp_path: Path) -> None:
    chosen = from_audioset(audioset(tmp_path / "eval.csv", 3), licence="CC BY 4.0")
    assert [clip.source for clip in chosen.clips] == list(VIDEO_IDS[:3])
    assert chosen.left_out == ()
    second = chosen.clips[1]
    assert (second.start_s, second.end_s, second.licence) == (1.0, 11.0, "CC BY 4.0")
    assert second.labels == ("/m/04rlf", "/t/dd00034")
    assert len({clip.id for clip in chosen.clips}) == 3
    assert len(from_audioset(tmp_path / "eval.csv", limit=2).clips) == 2


def test_lines_that_make_no_sense_and_ids_that_come_twice_are_told(tmp_path: Path) -> None:
    path = audioset(tmp_path / "eval.csv", 1)
    with path.open("a") as file:
        file.write(f'{VIDEO_IDS[0]}, 0.000, 10.000, "/m/04rlf"\n')
        file.write('../../etc/pw, 0, 10, "/m/04rlf"\n')
        file.write(f'{VIDEO_IDS[9]}, ten, 20, "/m/04rlf"\n')
        file.write(f'{VIDEO_IDS[9]}, 20, 10, "/m/04rlf"\n')
        file.write(f"{VIDEO_IDS[9]}, 20\n")
    chosen = from_audioset(path)
    assert len(chosen.clips) == 1
    said = [why for _, why in chosen.left_out]
    assert [text.split()[0] for text in said] == ["'../../etc/pw'", "ten", "20", "It", "Another"]
    with pytest.raises(InputError, match="none carries the label /m/none"):
        from_audioset(path, label="/m/none")


@pytest.mark.parametrize("content", [b"\xff\xfe\x00junk", b'"never closed, 1, 2\n', b""])
def test_what_is_no_segments_csv_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "eval.csv"
    path.write_bytes(content)
    with pytest.raises(InputError):
        from_audioset(path)
    with pytest.raises(InputError, match="cannot be read"):
        from_audioset(tmp_path / "none.csv")


def test_files_of_one_subfolder_are_of_one_source(tmp_path: Path) -> None:
    for name in ("a/1.mp4", "a/deep/2.wav", "3.flac", "notes.txt", "a/.hidden.mp4"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "empty").mkdir()
    chosen = from_folder(tmp_path)
    assert {clip.id: clip.source for clip in chosen.clips} == {
        "3.flac": "3.flac",
        "a/1.mp4": "a",
        "a/deep/2.wav": "a",
    }
    assert all("/" not in clip.key and "." not in clip.key for clip in chosen.clips)
    with pytest.raises(InputError, match="no movies or sounds"):
        from_folder(tmp_path / "empty")


def test_a_list_names_sounds_relative_to_itself(tmp_path: Path) -> None:
    lines = [
        {"id": "x", "source": "film", "sound": {"path": "x.wav", "start_s": 2, "end_s": 4}},
        {"id": "y", "source": ""},
        {"sound": 3},
    ]
    (tmp_path / "clips.jsonl").write_text("\n".join(json.dumps(line) for line in lines))
    chosen = from_list(tmp_path / "clips.jsonl", licence="ours")
    (clip,) = chosen.clips
    assert clip.sound is not None
    assert clip.sound.path == str(tmp_path / "x.wav")
    assert clip.licence == "ours"
    assert [why.split(":")[0] for _, why in chosen.left_out] == [
        "It names no sound.",
        "It is no clip",
    ]


def test_keys_are_safe_and_differ_where_ids_do() -> None:
    ids = ("a/b", "a b", "a_b", "..", "é" * 90, "x" * 200)
    keys = {Clip(id=name, source="s").key for name in ids}
    assert len(keys) == len(ids)
    assert all(key.isascii() and "." not in key and "/" not in key for key in keys)


def test_a_fifth_of_the_rows_is_held_back_by_source_and_stays_there() -> None:
    rows = {f"s{number}": 1 + number % 4 for number in range(100)}
    found = sides(rows, {})
    held = sum(rows[source] for source, side in found.items() if side == "validation")
    assert abs(held / sum(rows.values()) - 0.2) < 0.02
    grown = sides(rows | {f"t{number}": 1 for number in range(50)}, found)
    assert {source: grown[source] for source in rows} == found
    assert "validation" in {side for source, side in grown.items() if source not in rows}


def test_two_sources_are_on_two_sides_and_one_is_for_training() -> None:
    assert set(sides({"a": 5, "b": 1}, {}).values()) == {"train", "validation"}
    assert sides({"a": 5}, {}) == {"a": "train"}


def test_settings_are_checked_when_they_are_made(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="one place"):
        Sources()
    with pytest.raises(RequestError, match="one place"):
        Sources(folder=tmp_path, clips=tmp_path)
    with pytest.raises(RequestError, match="where to write"):
        Settings(fetch=("curl", "{id}"))
    with pytest.raises(RequestError, match="0 to 1"):
        Settings(most_failed=1.5)
    with pytest.raises(RequestError, match="no ending"):
        Settings(ending="../x")
