from __future__ import annotations

import random
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from musiscene_core.errors import InputError, TimelineError
from musiscene_core.timecode import FrameRate
from musiscene_plugins.cli.main import EXIT_BAD_INPUT, main
from musiscene_plugins.formats import safe_xml
from musiscene_plugins.host import RangeChoice
from musiscene_plugins.otio import HostSettings, open_timeline
from tests.support.edits import SUFFIXES, rich_edit, through
from tests.support.timelines import take_on_disk

XML = ("fcp7", "fcpxml", "mlt", "kdenlive")
BOMB = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
STEAL = '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>'
PARAMETER = '<!DOCTYPE x [<!ENTITY % a SYSTEM "http://localhost:9/x.dtd"> %a;]>'


def text_of(key: str, folder: Path) -> str:
    through(key, rich_edit(FrameRate(24)), folder)
    return (folder / f"reel{SUFFIXES[key]}").read_text()


@pytest.mark.parametrize("prologue", [BOMB, STEAL, PARAMETER], ids=["bomb", "file", "parameter"])
@pytest.mark.parametrize("key", XML)
def test_entities_are_refused_before_they_are_followed(
    key: str, prologue: str, tmp_path: Path
) -> None:
    body = text_of(key, tmp_path).partition("?>\n")[2].replace("<!DOCTYPE xmeml>", "")
    body = body.replace("<!DOCTYPE fcpxml>", "")
    path = tmp_path / f"bad{SUFFIXES[key]}"
    path.write_text(prologue + body)
    with pytest.raises(TimelineError, match="defines XML entities") as caught:
        open_timeline(path)
    assert caught.value.hint


@pytest.mark.parametrize("suffix", [".xml", ".fcpxml", ".mlt", ".kdenlive", ".edl", ".aaf"])
@pytest.mark.parametrize(
    "content",
    [
        b"",
        b" \n",
        b"<",
        b"<a>" * 300,
        b"<xmeml/>",
        b"<fcpxml/>",
        b"<mlt/>",
        b"\0" * 64,
        b"TITLE: x",
    ],
    ids=lambda content: repr(content[:10]),
)
def test_no_timeline_at_all_is_a_timeline_error(
    suffix: str, content: bytes, tmp_path: Path
) -> None:
    path = tmp_path / f"bad{suffix}"
    path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        open_timeline(path, HostSettings(rate=FrameRate(24))).read_range(RangeChoice())
    assert caught.value.message.endswith(".")


def damaged(text: str) -> Iterator[str]:
    """`text` cut short, with numbers made absurd, and with tags taken out."""
    for part in (3, 10, 40, 70, 95):
        yield text[: len(text) * part // 100]
    for absurd in ("-7", "1e999", "nan", "9" * 30, "1/0", "", "x"):
        for number in ("101", "24", "149", "3600"):
            yield text.replace(f">{number}<", f">{absurd}<").replace(f'"{number}', f'"{absurd}')
            yield text.replace(f"={number}", f"={absurd}").replace(f'"{number}s"', f'"{absurd}s"')
    picked = random.Random(7)
    lines = text.splitlines()
    for _ in range(60):
        kept = [line for line in lines if picked.random() > 0.03]
        yield "\n".join(kept)


@pytest.mark.parametrize("key", XML)
def test_damage_is_our_error_or_a_timeline_never_a_crash(key: str, tmp_path: Path) -> None:
    refused = 0
    path = tmp_path / f"bad{SUFFIXES[key]}"
    for text in damaged(text_of(key, tmp_path)):
        path.write_text(text)
        try:
            open_timeline(path).read_range(RangeChoice())
        except InputError:
            refused += 1
    assert refused > 20


def test_a_damaged_aaf_is_our_error_or_a_timeline(tmp_path: Path) -> None:
    through("aaf", rich_edit(FrameRate(24)), tmp_path)
    whole = (tmp_path / "reel.aaf").read_bytes()
    path, picked = tmp_path / "bad.aaf", random.Random(7)
    for number in range(12):
        data = bytearray(whole[: len(whole) * (number + 1) // 12])
        for _ in range(40):
            data[picked.randrange(512, len(data))] = picked.randrange(256)
        path.write_bytes(data)
        with suppress(InputError):
            open_timeline(path).read_range(RangeChoice())


def test_sequences_that_hold_themselves_are_refused(tmp_path: Path) -> None:
    rate = "<rate><timebase>24</timebase><ntsc>FALSE</ntsc></rate>"
    item = f"<clipitem>{rate}<start>0</start><end>9</end><sequence id='s'/></clipitem>"
    track = f"<media><video><track>{item}</track></video></media>"
    fcp7 = tmp_path / "loop.xml"
    fcp7.write_text(f"<xmeml><sequence id='s'><name>a</name>{rate}{track}</sequence></xmeml>")
    mlt = tmp_path / "loop.mlt"
    mlt.write_text(
        '<mlt><profile frame_rate_num="24" frame_rate_den="1"/>'
        '<playlist id="p"><entry producer="t" in="0" out="9"/></playlist>'
        '<tractor id="t" in="0" out="9"><track producer="p"/></tractor></mlt>'
    )
    fcpxml = tmp_path / "loop.fcpxml"
    clip = '<ref-clip ref="m" duration="9s"/>'
    fcpxml.write_text(
        '<fcpxml><resources><format id="f" frameDuration="1/24s"/><media id="m"><sequence '
        f'format="f"><spine>{clip}</spine></sequence></media></resources><project><sequence '
        f'format="f"><spine>{clip}</spine></sequence></project></fcpxml>'
    )
    for path in (fcp7, mlt, fcpxml):
        with pytest.raises(TimelineError, match="nested too deeply"):
            open_timeline(path)


def test_a_nest_that_multiplies_is_cut_off(tmp_path: Path) -> None:
    media = ""
    for level in range(30):
        clip = f'<ref-clip ref="m{level + 1}" duration="9s"/>'
        spine = f'<sequence format="f"><spine>{clip * 9}</spine></sequence>'
        media += f'<media id="m{level}">{spine}</media>'
    path = tmp_path / "bomb.fcpxml"
    path.write_text(
        f'<fcpxml><resources><format id="f" frameDuration="1/24s"/>{media}</resources><project>'
        '<sequence format="f"><spine><ref-clip ref="m0" duration="99s"/></spine></sequence>'
        "</project></fcpxml>"
    )
    with pytest.raises(TimelineError):
        open_timeline(path)


def test_huge_files_are_refused_by_their_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(safe_xml, "MAX_XML_BYTES", 100)
    (tmp_path / "big.fcpxml").write_text("<fcpxml>" + " " * 100 + "</fcpxml>")
    with pytest.raises(TimelineError, match="too large"):
        open_timeline(tmp_path / "big.fcpxml")


@pytest.mark.parametrize("name", ["cut.xml", "cut.fcpxml", "cut.mlt", "cut.edl", "cut.aaf"])
def test_the_command_line_ends_with_two_and_writes_nothing(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_text(STEAL + "<a>&a;</a>")
    output = tmp_path / "out"
    assert main(["score", str(path), "--output", str(output), "--rate", "24"]) == EXIT_BAD_INPUT
    assert sorted(tmp_path.iterdir()) == [path]


def test_a_zip_called_fcpxml_is_a_timeline_error(tmp_path: Path) -> None:
    path = tmp_path / "cut.fcpxml"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("Info.fcpxml", "x")
    with pytest.raises(TimelineError, match="not readable XML"):
        open_timeline(path)


def test_when_placing_fails_no_copy_is_left(tmp_path: Path) -> None:
    through("fcpxml", rich_edit(FrameRate(24)), tmp_path)
    host = open_timeline(tmp_path / "reel.fcpxml", HostSettings(output=tmp_path / "out"))
    record = host.describe().record
    take = take_on_disk(tmp_path / "takes", rate=FrameRate(24), record=record, samples=4)
    (take.folder / take.take.stems[0].path).unlink()
    with pytest.raises(InputError, match="is missing"):
        host.place_takes([take])
    assert not list(tmp_path.glob("out/*"))
