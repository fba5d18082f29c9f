"""Timelines that others wrote: read, or refused in words; never a crash.

Give a folder of them in MUSISCENE_TIMELINE_SAMPLES, such as checkouts of OpenTimelineIO and its
adapters; their licences and sizes keep them out of here. What follows are small ones in the
dialects that editors write.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from musiscene_core.errors import InputError, MediaError
from musiscene_core.ranges import FrameRange
from musiscene_core.timecode import FrameRate
from musiscene_core.timeline import TimelineRange
from musiscene_plugins.formats.subtitles import SUBTITLE_SUFFIXES, read_subtitles
from musiscene_plugins.host import RangeChoice
from musiscene_plugins.otio import HostSettings, open_timeline

SAMPLES = os.environ.get("MUSISCENE_TIMELINE_SAMPLES", "")
SUFFIXES = (
    *(".otio", ".otioz", ".xml", ".fcpxml", ".aaf", ".edl", ".mlt", ".kdenlive"),
    *SUBTITLE_SUFFIXES,
)


def samples() -> list[Path]:
    found = Path(SAMPLES).rglob("*") if SAMPLES else ()
    return sorted(path for path in found if path.suffix.lower() in SUFFIXES and path.is_file())


@pytest.mark.slow
@pytest.mark.skipif(not SAMPLES, reason="MUSISCENE_TIMELINE_SAMPLES names no folder")
def test_what_others_wrote_is_read_or_refused_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    read, refused = 0, []
    for path in samples():
        rate = FrameRate(24) if path.suffix.lower() == ".edl" else None
        try:
            if path.suffix.lower() in SUBTITLE_SUFFIXES:
                assert read_subtitles(path)
            else:
                host = open_timeline(path, HostSettings(rate=rate))
                assert host.describe().record.length >= 0
                host.read_range(RangeChoice())
            read += 1
        except (InputError, MediaError) as error:
            refused.append(error.message)
    assert read > len(refused)
    assert all(message.endswith(".") and "object has no" not in message for message in refused)
    assert capsys.readouterr().out == ""


def whole(path: Path, rate: FrameRate | None = None) -> TimelineRange:
    return open_timeline(path, HostSettings(rate=rate)).read_range(RangeChoice())


def lies(scene: TimelineRange) -> list[tuple[str, str, int, int, float]]:
    """Role, file name, first and last record frame and source second of every clip."""
    return [
        (
            clip.role,
            clip.media.path.rpartition("/")[2],
            clip.mapping.record.start,
            clip.mapping.record.end,
            round(float(clip.mapping.source_seconds(clip.mapping.record.start)), 3),
        )
        for clip in scene.clips
    ]


RATE = "<rate><timebase>25</timebase><ntsc>FALSE</ntsc></rate>"


def xmeml(video: str, audio: str = "") -> str:
    return (
        f'<?xml version="1.0"?><!DOCTYPE xmeml><xmeml version="4"><sequence id="s"><name>cut</name>'
        f"{RATE}<timecode>{RATE}<string>10:00:00:00</string><frame>900000</frame></timecode>"
        f"<media><video>{video}</video><audio>{audio}</audio></media></sequence></xmeml>"
    )


def item(name: str, start: int, end: int, first: int, inside: str) -> str:
    return (
        f"<clipitem><name>{name}</name>{RATE}<start>{start}</start><end>{end}</end>"
        f"<in>{first}</in><out>{first + end - start}</out>{inside}</clipitem>"
    )


def file_of(name: str) -> str:
    return (
        f'<file id="{name}"><name>{name}</name><pathurl>file://localhost/m/{name}</pathurl>{RATE}'
        "<duration>5000</duration><media><video/><audio/></media></file>"
    )


def test_premieres_dissolve_stereo_pair_lock_and_retime(tmp_path: Path) -> None:
    dissolve = (
        f"<transitionitem><start>40</start><end>60</end><alignment>center</alignment>{RATE}"
        "<effect><effectid>Cross Dissolve</effectid></effect></transitionitem>"
    )
    slow = (
        "<filter><effect><effectid>timeremap</effectid><parameter><parameterid>variablespeed"
        "</parameterid><value>0</value></parameter><parameter><parameterid>speed</parameterid>"
        "<value>50</value></parameter></effect></filter>"
    )
    first = item("a", 0, -1, 10, file_of("a.mov"))
    second = item("b", -1, 100, 100, file_of("b.mov"))
    third = item("c", 100, 150, 80, file_of("c.mov") + slow)
    video = f"<track>{first}{dissolve}{second}{third}<locked>TRUE</locked></track>"
    track = "<track MZ.TrackName='{}' premiereTrackType='Stereo' currentExplodedTrackIndex='{}'>{}"
    sound = item("a", 0, 50, 10, '<file id="a.mov"/>')
    audio = "".join(track.format("DX", n, sound) + "</track>" for n in (0, 1))
    path = tmp_path / "cut.xml"
    path.write_text(xmeml(video, audio))
    assert lies(whole(path)) == [
        ("picture", "a.mov", 900_000, 900_050, 0.4),
        ("picture", "b.mov", 900_050, 900_100, 4.4),
        ("picture", "c.mov", 900_100, 900_150, 1.6),
        ("dialogue", "a.mov", 900_000, 900_050, 0.4),
        ("dialogue", "a.mov", 900_000, 900_050, 0.4),
    ]


def test_final_cut_7s_nest_and_multiclip_are_opened(tmp_path: Path) -> None:
    inner = item("x", 0, 30, 5, file_of("x.mov")) + item("y", 30, 90, 0, file_of("y.mov"))
    nested = (
        f'<sequence id="n"><name>nest</name>{RATE}<media><video><track>{inner}</track></video>'
        "</media></sequence>"
    )
    angles = "".join(
        f"<angle><activevideoangle>{on}</activevideoangle><clip><media><video><track>"
        f"{item(name, 0, 500, 0, file_of(name))}</track></video></media></clip></angle>"
        for name, on in (("cam1.mov", "FALSE"), ("cam2.mov", "TRUE"))
    )
    multi = f'<multiclip id="m"><name>multi</name>{angles}</multiclip>'
    again = item("multi", 60, 80, 200, "<multiclip id='m'/>")
    clips = item("nest", 0, 40, 20, nested) + item("multi", 40, 60, 100, multi) + again
    video = f"<track>{clips}</track>"
    path = tmp_path / "cut.xml"
    path.write_text(xmeml(video))
    host = open_timeline(path)
    assert lies(host.read_range(RangeChoice())) == [
        ("picture", "x.mov", 900_000, 900_010, 1.0),
        ("picture", "y.mov", 900_010, 900_040, 0.0),
        ("picture", "cam2.mov", 900_040, 900_060, 4.0),
        ("picture", "cam2.mov", 900_060, 900_080, 8.0),
    ]
    assert any("active angle" in warning for warning in host.describe().warnings)


def fcpxml(resources: str, spine: str) -> str:
    return (
        '<?xml version="1.0" encoding="UTF-8"?><!DOCTYPE fcpxml><fcpxml version="1.13"><resources>'
        '<format id="r1" name="FFVideoFormat1080p24" frameDuration="100/2400s" width="1920"/>'
        + "".join(
            f'<asset id="{name}" name="{name}" start="0s" duration="400s" hasVideo="1" format="r1" '
            f'hasAudio="1" audioSources="1" audioChannels="2"><media-rep kind="original-media" '
            f'src="file:///m/{name}.mov"/></asset>'
            for name in ("a1", "a2")
        )
        + f'{resources}</resources><library><event><project name="cut"><sequence format="r1" '
        f'tcStart="3600s" tcFormat="NDF"><spine>{spine}</spine></sequence></project></event>'
        "</library></fcpxml>"
    )


def test_final_cut_pros_compound_multicam_and_retime_are_opened(tmp_path: Path) -> None:
    resources = (
        '<media id="c1"><sequence format="r1" duration="20s"><spine>'
        '<asset-clip ref="a1" offset="0s" start="30s" duration="5s" srcEnable="video"/>'
        '<asset-clip ref="a2" offset="5s" start="40s" duration="15s" srcEnable="video"/>'
        "</spine></sequence></media>"
        '<media id="mc"><multicam format="r1">'
        '<mc-angle name="A" angleID="x"><asset-clip ref="a1" duration="99s"/></mc-angle>'
        '<mc-angle name="B" angleID="y"><gap offset="0s" duration="2s"/>'
        '<asset-clip ref="a2" offset="2s" start="7s" duration="99s"/></mc-angle></multicam></media>'
    )
    spine = (
        '<ref-clip ref="c1" offset="0s" start="4s" duration="3s"/>'
        '<transition offset="2s" duration="1s"/>'
        '<mc-clip ref="mc" offset="3s" start="10s" duration="2s">'
        '<mc-source angleID="y" srcEnable="video"/></mc-clip>'
        '<asset-clip ref="a1" offset="5s" start="0s" duration="2s" srcEnable="video"><timeMap>'
        '<timept time="0s" value="0s"/><timept time="2s" value="4s"/></timeMap></asset-clip>'
    )
    path = tmp_path / "cut.fcpxml"
    path.write_text(fcpxml(resources, spine))
    scene = whole(path)
    pictures = [found for found in lies(scene) if found[0] == "picture"]
    assert pictures == [
        ("picture", "a1.mov", 86_400, 86_424, 34.0),
        ("picture", "a2.mov", 86_424, 86_472, 40.0),
        ("picture", "a2.mov", 86_472, 86_520, 15.0),
        ("picture", "a1.mov", 86_520, 86_568, 0.0),
    ]
    assert scene.by_role("picture")[-1].mapping.speed == 2


def test_shotcuts_transition_and_kdenlives_halves_are_read(tmp_path: Path) -> None:
    chains = "".join(
        f'<chain id="chain{n}" out="00:00:39.960"><property name="length">1000</property><property '
        f'name="resource">/m/{n}.mp4</property><property name="mlt_service">avformat-novalidate'
        "</property></chain>"
        for n in (0, 1)
    )
    shotcut = tmp_path / "cut.mlt"
    shotcut.write_text(
        '<mlt LC_NUMERIC="C" version="7.22.0" producer="main_bin"><profile frame_rate_num="25" '
        f'frame_rate_den="1" width="1920" height="1080"/>{chains}'
        '<tractor id="tractor0" in="00:00:00.000" out="00:00:00.960"><property '
        'name="shotcut:transition">lumaMix</property><track producer="chain0" in="00:00:02.000" '
        'out="00:00:02.960"/><track producer="chain1" in="00:00:01.000" out="00:00:01.960"/>'
        '<transition><property name="mlt_service">luma</property></transition></tractor>'
        '<playlist id="playlist0"><property name="shotcut:video">1</property><property '
        'name="shotcut:name">V1</property><entry producer="chain0" in="00:00:00.000" '
        'out="00:00:01.960"/><entry producer="tractor0" in="00:00:00.000" out="00:00:00.960"/>'
        '<entry producer="chain1" in="00:00:02.000" out="00:00:03.960"/></playlist><tractor '
        'id="tractor1" title="Shotcut version 23.11"><property name="shotcut">1</property>'
        '<track producer="playlist0"/></tractor></mlt>'
    )
    found = {entry[1:] for entry in lies(whole(shotcut)) if entry[0] == "picture"}
    assert ("0.mp4", 0, 50, 0.0) in found
    assert ("1.mp4", 75, 125, 2.0) in found
    assert {("0.mp4", 50, 75, 2.0), ("1.mp4", 50, 75, 1.0)} <= found
    kdenlive = tmp_path / "cut.kdenlive"
    kdenlive.write_text(
        '<mlt LC_NUMERIC="C" version="7.14.0"><profile frame_rate_num="25" frame_rate_den="1"/>'
        f'{chains}<playlist id="main_bin"><property name="kdenlive:docproperties.version">1.1'
        '</property><entry producer="chain0"/></playlist>'
        '<playlist id="p0"><blank length="10"/><entry producer="chain0" in="5" out="29"/>'
        '</playlist><playlist id="p1"><blank length="40"/><entry producer="chain1" in="0" '
        'out="9"/></playlist>'
        '<tractor id="t0"><property name="kdenlive:audio_track">1</property><property '
        'name="kdenlive:track_name">Dialog</property><track producer="p0" hide="video"/><track '
        'producer="p1" hide="video"/></tractor><producer id="black"><property '
        'name="mlt_service">color</property></producer><tractor id="t1"><track producer="black"/>'
        '<track producer="t0"/></tractor><tractor id="t2"><track producer="t1"/></tractor>'
        "</mlt>"
    )
    assert lies(whole(kdenlive)) == [
        ("dialogue", "0.mp4", 10, 35, 0.2),
        ("dialogue", "1.mp4", 40, 50, 0.0),
    ]


def test_an_avid_edl_with_its_comments_dissolve_and_speed_is_read(tmp_path: Path) -> None:
    path = tmp_path / "cut.edl"
    path.write_text(
        "TITLE:   REEL_1 \nFCM: NON-DROP FRAME\n\n"
        "001  A001C001 V     C        01:00:10:00 01:00:14:00 01:00:00:00 01:00:04:00 \n"
        "* FROM CLIP NAME:  A001C001.MOV \n* LOC: 01:00:01:00 RED     HIT\n"
        "002  A001C002 V     C        02:00:00:00 02:00:00:00 01:00:04:00 01:00:04:00 \n"
        "002  A001C003 V     D    012 03:00:00:00 03:00:02:00 01:00:04:00 01:00:06:00 \n"
        "* FROM CLIP NAME:  A001C002.MOV \n* TO CLIP NAME:  A001C003.MOV \n"
        "003  A001C004 V     C        04:00:00:00 04:00:01:00 01:00:06:00 01:00:08:00 \n"
        "M2   A001C004       012.0                01:00:00:00 \n"
        "* FROM CLIP NAME:  A001C004.MOV \n"
        "004  A001C001 A     C        01:00:10:00 01:00:14:00 01:00:00:00 01:00:04:00 \n"
    )
    scene = whole(path, rate=FrameRate(24))
    assert scene.record == FrameRange(86_400, 86_592)
    assert scene.clips[0].mapping.record == FrameRange(86_400, 86_496)
    assert scene.clips[-1].mapping.record.end == 86_592
    assert [(marker.name, marker.record.start) for marker in scene.markers] == [("HIT", 86_424)]
