"""The nouns read back as they were written, and hostile files become errors of ours."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from musiscene_core.brief import SceneBrief
from musiscene_core.codec import MAX_JSON_BYTES, digest, read_json, to_json, write_atomically
from musiscene_core.errors import InputError, OutputError
from musiscene_core.request import ScoreRequest
from musiscene_core.timeline import TimelineRange
from tests.support.scenes import brief_of


def test_a_request_reads_back_as_it_was_written(tmp_path: Path) -> None:
    request = ScoreRequest(brief=brief_of(12.0, cuts=(3.0, 7.5)), seed=7, hits=(72,))
    path = tmp_path / "request.json"
    write_atomically(path, to_json(request))
    assert read_json(path, ScoreRequest) == request
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(request), type=ScoreRequest) == request


def test_equal_values_have_equal_digests_and_others_do_not() -> None:
    one, same, other = brief_of(4.0), brief_of(4.0), brief_of(5.0)
    assert digest(one) == digest(same) != digest(other)


def test_a_field_from_a_newer_version_is_ignored(tmp_path: Path) -> None:
    path = tmp_path / "brief.json"
    raw = msgspec.json.decode(msgspec.json.encode(brief_of(4.0)))
    path.write_bytes(msgspec.json.encode({**raw, "from_the_future": 1}))
    assert read_json(path, SceneBrief) == brief_of(4.0)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b'{"cue": 1}',
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"cue":"a","rate":{"numerator":0}}',
    ],
)
def test_a_file_that_is_no_timeline_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "range.json"
    path.write_bytes(content)
    with pytest.raises(InputError):
        read_json(path, TimelineRange)


def test_a_missing_or_huge_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        read_json(tmp_path / "none.json", SceneBrief)
    huge = tmp_path / "huge.json"
    with huge.open("wb") as file:
        file.truncate(MAX_JSON_BYTES + 1)
    with pytest.raises(InputError, match="too large"):
        read_json(huge, SceneBrief)


def test_a_failed_write_leaves_the_old_file_and_no_debris(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("mine")
    with pytest.raises(OutputError):
        write_atomically(blocked / "below.json", b"x")
    target = tmp_path / "folder"
    target.mkdir()
    with pytest.raises(OutputError):
        write_atomically(target, b"x")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder"]
    assert blocked.read_text() == "mine"


def test_a_list_of_numbers_takes_one_line_and_no_string_is_touched() -> None:
    value = {"curve": [1, 2.5, -3e-7], "no": [], "words": ["[\n 1,\n 2\n]"], "deep": [[1], [None]]}
    text = to_json(value)
    assert msgspec.json.decode(text) == value
    assert b'"curve": [1, 2.5, -3e-7],\n' in text
