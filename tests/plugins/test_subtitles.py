"""Subtitles given, inside a timeline or beside a film."""

from __future__ import annotations

import random
from contextlib import suppress
from fractions import Fraction
from pathlib import Path

import pytest

from musiscene_core.errors import TimelineError
from musiscene_plugins.cli.main import EXIT_BAD_INPUT, main
from musiscene_plugins.formats import subtitles
from musiscene_plugins.formats.subtitles import read_subtitles, subtitles_in
from musiscene_plugins.host import RangeChoice
from musiscene_plugins.otio import HostSettings, open_timeline
from tests.support.timelines import saved, scene_timeline, small_movie

SRT = (
    "1\n00:00:00,500 --> 00:00:01,250\n<i>Who</i> is <font color='red'>there</font>?\n\n"
    "2\n00:00:01,500 --> 00:00:02,000\n{\\an8}Für dich &amp; mich,\nÉlodie.\n"
)
VTT = (
    "WEBVTT - a title\n\nSTYLE\n::cue { color: red }\n\nNOTE\n00:09.000 --> 00:10.000\nno cue\n\n"
    "intro\n00:00.500 --> 00:01.250 align:start line:0\n<v Roger Bingham>Who is there?\n\n"
    "00:00:01.500 --> 00:00:02.000\n- Nobody.\n- <c.loud>Really</c>?\n"
)


def told(text: str) -> list[tuple[float, float, str]]:
    return [(float(line.start), float(line.end), line.text) for line in subtitles_in(text)]


def test_subrip_is_read_without_its_markup() -> None:
    assert told(SRT) == [
        (0.5, 1.25, "Who is there?"),
        (1.5, 2.0, "Für dich & mich,\nÉlodie."),
    ]


def test_webvtt_is_read_with_its_speakers_and_without_its_notes() -> None:
    assert told(VTT) == [(0.5, 1.25, "Who is there?"), (1.5, 2.0, "- Nobody.\n- Really?")]
    assert [line.speaker for line in subtitles_in(VTT)] == ["Roger Bingham", ""]


@pytest.mark.parametrize(
    "encoding",
    ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "latin-1", "cp1252"],
)
@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"])
def test_every_encoding_that_occurs_is_read(encoding: str, ends: str, tmp_path: Path) -> None:
    path = tmp_path / "film.srt"
    path.write_bytes(SRT.replace("\n", ends).encode(encoding))
    assert [line.text for line in read_subtitles(path)] == [
        "Who is there?",
        "Für dich & mich,\nÉlodie.",
    ]


def test_overlaps_stay_and_impossible_times_go() -> None:
    text = (
        "9\n00:00:04,000 --> 00:00:06,000\nLater\n\n"
        "1\n-00:00:01,000 --> 00:00:02,000\nFrom before\n\n"
        "2\n00:00:03,000 --> 00:00:01,000\nBackwards\n\n"
        "3\n00:00:01,000 --> 00:00:05,000\nOver it\n4\n00:00:02,0 --> 00:00:02,5\nClose\n"
        "5\n00:00:07 --> \nNo end\n\n6\n99:99:99,000 --> x\nNonsense\n\n7\n\n\n"
    )
    assert told(text) == [
        (0.0, 2.0, "From before"),
        (1.0, 5.0, "Over it"),
        (2.0, 2.5, "Close"),
        (4.0, 6.0, "Later"),
    ]


def test_damage_is_our_error_or_fewer_lines_never_a_crash(tmp_path: Path) -> None:
    picked, path = random.Random(5), tmp_path / "bad.srt"
    whole = (SRT + VTT).encode("utf-16")
    for number in range(200):
        data = bytearray(whole[: len(whole) * (number % 20 + 1) // 20])
        for _ in range(number % 7):
            data[picked.randrange(len(data))] = picked.randrange(256)
        path.write_bytes(data)
        with suppress(TimelineError):
            assert len(read_subtitles(path)) <= 6
    for content in (b"", b"\xff\xfe", b"\0" * 999, bytes(range(256)) * 9, b"<" * 50_000):
        path.write_bytes(content)
        with pytest.raises(TimelineError, match="holds no subtitles"):
            read_subtitles(path)


def test_huge_files_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cue = "00:00:01,000 --> 00:00:02,000\n" + "<b>" * 3000 + "word\n\n"
    assert len(subtitles_in(cue)[0].text) <= 4000
    monkeypatch.setattr(subtitles, "MAX_LINES", 10)
    assert len(subtitles_in("00:01.000 --> 00:02.000\nx\n\n" * 50)) == 10
    monkeypatch.setattr(subtitles, "MAX_SUBTITLE_BYTES", 100)
    (tmp_path / "big.srt").write_text(SRT)
    with pytest.raises(TimelineError, match="too large"):
        read_subtitles(tmp_path / "big.srt")


def found(path: Path, given: Path | None = None, **choice: str) -> list[tuple[int, int, str]]:
    host = open_timeline(path, HostSettings(subtitles=given))
    lines = host.read_range(RangeChoice(**choice)).subtitles
    return [(line.record.start, line.record.end, line.text.partition("\n")[0]) for line in lines]


def test_those_beside_a_film_are_found_and_those_given_win(tmp_path: Path) -> None:
    film = small_movie(tmp_path / "film.mp4")
    (tmp_path / "film.scored.srt").write_text(SRT)
    (tmp_path / "filmstar.srt").write_text(SRT)
    assert found(film) == []
    (tmp_path / "film.en.srt").write_text(SRT)
    assert found(film) == [(12, 30, "Who is there?"), (36, 48, "Für dich & mich,")]
    (tmp_path / "film.de.srt").write_text(SRT)
    assert found(film) == []
    (tmp_path / "film.VTT").write_text(VTT)
    assert found(film) == [(12, 30, "Who is there?"), (36, 48, "- Nobody.")]
    assert found(film, record_in="31") == [(36, 48, "- Nobody.")]
    other = tmp_path / "other.srt"
    other.write_text("00:00:00,000 --> 00:00:00,001\nMine\n")
    assert found(film, other) == [(0, 1, "Mine")]


def test_a_scored_copy_has_its_originals_subtitles_and_no_cue_list_of_ours(tmp_path: Path) -> None:
    copy = saved(scene_timeline(), tmp_path / "reel.scored-2.otio")
    for name in ("reel.scored-2.srt", "reel.scored.srt"):
        (tmp_path / name).write_text("00:00:01,000 --> 00:00:02,000\nMusic from 1m1\n")
    assert found(copy) == []
    (tmp_path / "reel.otio.srt").write_text(SRT)
    assert found(copy)[0] == (86_412, 86_430, "Who is there?")


def test_one_beside_it_that_is_broken_is_passed_over(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    film = small_movie(tmp_path / "film.mp4")
    (tmp_path / "film.srt").write_bytes(b"\0\0")
    assert found(film) == []
    assert "holds no subtitles" in caplog.text


@pytest.mark.parametrize("hour", [0, 1])
def test_times_count_from_the_beginning_or_as_the_timecode_does(hour: int, tmp_path: Path) -> None:
    reel = saved(scene_timeline(), tmp_path / "reel.otio")
    (tmp_path / "reel.srt").write_text(SRT.replace("00:00:0", f"0{hour}:00:0"))
    assert found(reel)[0] == (86_412, 86_430, "Who is there?")


def test_captions_inside_an_fcpxml_are_taken_before_files_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "cut.fcpxml"
    path.write_text(
        '<fcpxml version="1.10"><resources><format id="r1" frameDuration="1/24s"/>'
        '<asset id="r2" hasVideo="1" src="file:///a.mov" duration="20s" format="r1"/></resources>'
        '<project name="cut"><sequence format="r1" tcStart="3600s"><spine>'
        '<asset-clip ref="r2" offset="0s" start="5s" duration="10s">'
        '<caption lane="1" offset="6s" duration="2s" name="x" role="iTT?captionFormat=ITT.en">'
        "<text><text-style>Who</text-style> is there?</text></caption>"
        '<caption lane="1" offset="9s" duration="1s" enabled="0"><text>off</text></caption>'
        "</asset-clip></spine></sequence></project></fcpxml>"
    )
    (tmp_path / "cut.srt").write_text(SRT)
    assert found(path) == [(86_424, 86_472, "Who is there?")]


def test_shotcuts_own_subtitles_are_read(tmp_path: Path) -> None:
    path = tmp_path / "cut.mlt"
    path.write_text(
        '<mlt><profile frame_rate_num="24" frame_rate_den="1"/>'
        '<producer id="a" in="0" out="99"><property name="resource">/a.mov</property></producer>'
        '<playlist id="p"><entry producer="a" in="0" out="99"/></playlist>'
        '<tractor id="t"><track producer="p"/><filter>'
        '<property name="mlt_service">subtitle_feed</property>'
        f'<property name="text">{SRT.replace("&", "&amp;").replace("<", "&lt;")}</property>'
        "</filter></tractor></mlt>"
    )
    assert found(path) == [(12, 30, "Who is there?"), (36, 48, "Für dich & mich,")]


def test_the_command_line_refuses_what_holds_no_subtitles(tmp_path: Path) -> None:
    film = small_movie(tmp_path / "film.mp4")
    (tmp_path / "x.srt").write_text("hello")
    words = ["spot", str(film), "--subtitles"]
    assert main([*words, str(tmp_path / "x.srt")]) == EXIT_BAD_INPUT
    assert main([*words, str(tmp_path / "gone.srt")]) == EXIT_BAD_INPUT


def test_lines_are_as_exact_as_the_file_says() -> None:
    (line,) = subtitles_in("00:00:01.001 --> 1:00:02.5\nx")
    assert (line.start, line.end) == (Fraction(1001, 1000), Fraction(7205, 2))
