"""Lines of a scene: subtitles first, then a speech model, over real files."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
import numpy as np
import pytest

from musiscene_core.brief import DialogueRegion
from musiscene_core.errors import CancelledError, EngineError
from musiscene_core.ranges import FrameRange
from musiscene_core.spotting.speech import lines as lines_module
from musiscene_core.spotting.speech.kept import KeptSpeech
from musiscene_core.spotting.speech.lines import Heard, spoken_lines, subtitle_lines
from musiscene_core.spotting.speech.model import SAMPLE_RATE, Floats, Segment, Span, Turn
from musiscene_core.spotting.speech.speakers import METHOD, tell_apart
from musiscene_core.timecode import FrameRate
from musiscene_core.timeline import (
    MediaReference,
    SourceMapping,
    Subtitle,
    TimelineClip,
    TimelineRange,
)
from tests.support import sounds
from tests.support.shared_media import shared_media

RATE = FrameRate(24)
RECORD = FrameRange(1000, 1000 + 240)


class Levels:
    """Says how loud each span is: what it was given is what can be checked."""

    name = "levels"

    def __init__(self, *, fails: bool = False) -> None:
        self.fails = fails
        self.spans: list[Span] = []

    def transcribe(self, samples: Floats, spans: Sequence[Span]) -> Iterator[Segment]:
        for start_s, end_s in spans:
            if self.fails:
                raise EngineError("The speech model levels failed: it is full.")
            self.spans.append((start_s, end_s))
            part = samples[int(start_s * SAMPLE_RATE) : int(end_s * SAMPLE_RATE)]
            yield Segment(start_s, end_s, f"peak {np.abs(part).max():.2f}", (start_s,), "de")


class Halves:
    """Says that one person speaks in the first five seconds of a window and another after."""

    name = "halves"

    def turns(self, samples: Floats) -> Sequence[Turn]:
        return [Turn(0.0, 5.0, "B"), Turn(5.0, 99.0, "A")]


class Broken:
    name = "broken"

    def turns(self, samples: Floats) -> Sequence[Turn]:
        raise EngineError("pyannote failed: no weights.")


@pytest.fixture(scope="module")
def speech(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten seconds that get louder every second, from 0.0 to 0.9."""
    steps = np.repeat(np.arange(10) / 10, sounds.RATE).astype(np.float32)
    wave = np.sign(np.sin(2 * np.pi * 200 * np.arange(len(steps)) / sounds.RATE))
    return sounds.written(tmp_path_factory.mktemp("said") / "said.wav", steps * wave)


def scene(path: Path, *subtitles: Subtitle) -> TimelineRange:
    clip = TimelineClip(
        name="said",
        media=MediaReference(path=str(path)),
        mapping=SourceMapping(RECORD, RATE, 0, RATE),
        role="dialogue",
    )
    return TimelineRange(cue="1m1", rate=RATE, record=RECORD, clips=(clip,), subtitles=subtitles)


def subtitle(start_s: float, end_s: float, text: str, speaker: str = "") -> Subtitle:
    record = FrameRange(1000 + round(24 * start_s), 1000 + round(24 * end_s))
    return Subtitle(record=record, text=text, speaker=speaker)


def region(start_s: float, end_s: float) -> DialogueRegion:
    return DialogueRegion(start_s=start_s, end_s=end_s)


def states(heard: Heard) -> list[tuple[str, str, str]]:
    return [(report.stage, report.state, report.by) for report in heard.reports]


def test_subtitles_are_lines_and_noises_are_not(speech: Path) -> None:
    timeline = scene(
        speech,
        subtitle(6, 7, "Go\non.", "Rose"),
        subtitle(-2, 1, "Before and into it."),
        subtitle(2, 3, "[thunder]"),
        subtitle(11, 12, "After."),
    )
    (first, second) = subtitle_lines(timeline)
    assert (first.start_s, first.end_s, first.text) == (0.0, 1.0, "Before and into it.")
    assert (second.text, second.speaker, second.origin) == ("Go on.", "Rose", "subtitle")


def test_what_subtitles_say_is_not_heard_again(speech: Path) -> None:
    model = Levels()
    timeline = scene(speech, subtitle(2, 4, "Read."))
    heard = spoken_lines(timeline, [region(2.1, 3.9), region(7.4, 8.6)], model)
    assert [line.text for line in heard.lines] == ["Read.", "peak 0.80"]
    made = heard.lines[1]
    assert (made.start_s, made.end_s, made.origin, made.language) == (7.133, 8.833, "model", "de")
    assert made.words_s == (7.133,)
    assert states(heard) == [("speech", "done", "levels"), ("speakers", "done", METHOD)]
    alone = spoken_lines(timeline, [region(2.1, 3.9)], model)
    assert states(alone) == [("speech", "done", "subtitles")]


def test_windows_hear_the_same_as_one(speech: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    regions = [region(0.0, 0.9), region(1.2, 1.8), region(4.2, 6.4), region(9.1, 9.9)]
    whole = spoken_lines(scene(speech), regions, Levels())
    monkeypatch.setattr(lines_module, "WINDOW_S", 2.0)
    parts = spoken_lines(scene(speech), regions, Levels())
    assert [line.text for line in whole.lines] == [
        "peak 0.10",
        "peak 0.20",
        "peak 0.60",
        "peak 0.90",
    ]
    assert [(one.text, one.start_s, one.end_s) for one in parts.lines] == [
        (one.text, one.start_s, one.end_s) for one in whole.lines
    ]


def test_what_was_heard_is_kept_for_a_range_that_moves(speech: Path, tmp_path: Path) -> None:
    whole = scene(speech)
    moved = msgspec.structs.replace(whole, record=FrameRange(RECORD.start + 24, RECORD.end))
    regions = [region(1.2, 1.8), region(4.2, 6.4), region(8.1, 8.6)]
    later = [region(one.start_s - 1, one.end_s - 1) for one in regions]
    model = Levels()

    def heard(timeline: TimelineRange, spoken: list[DialogueRegion], name: str = "a") -> Heard:
        kept = KeptSpeech(timeline, name, tmp_path / "hearing")
        return spoken_lines(timeline, spoken, model, kept=kept)

    first = heard(whole, regions)
    assert len(model.spans) == 3
    assert heard(whole, regions) == first == spoken_lines(whole, regions, Levels())
    assert len(model.spans) == 3
    again = heard(moved, [*later, region(8.0, 8.5)])
    assert len(model.spans) == 5, "the first is cut by the range, the last is new"
    cold = spoken_lines(moved, [*later, region(8.0, 8.5)], Levels())
    assert [line.text for line in again.lines] == [line.text for line in cold.lines]
    for kept_line, line in zip(again.lines, cold.lines, strict=True):
        assert kept_line.start_s == pytest.approx(line.start_s, abs=0.002)
    for path in (tmp_path / "hearing").rglob("*.bin"):
        path.write_bytes(path.read_bytes()[:20])
    assert heard(whole, regions) == first
    assert len(model.spans) == 8
    heard(whole, regions, "another model")
    assert len(model.spans) == 11


def test_without_a_model_it_says_what_would_help(speech: Path) -> None:
    heard = spoken_lines(scene(speech), [region(1, 2)])
    assert heard.lines == ()
    (report,) = heard.reports
    assert (report.stage, report.state) == ("speech", "skipped")
    assert "musiscene watching use --speech FOLDER" in report.message
    assert spoken_lines(scene(speech), []) == Heard((), ())


def test_a_model_that_fails_loses_no_subtitles(speech: Path) -> None:
    timeline = scene(speech, subtitle(2, 4, "Read."))
    heard = spoken_lines(timeline, [region(7, 8)], Levels(fails=True))
    assert [line.text for line in heard.lines] == ["Read."]
    assert (heard.reports[0].state, heard.reports[0].message) == (
        "failed",
        "The speech model levels failed: it is full.",
    )


def test_a_diariser_names_the_speakers_and_one_that_fails_leaves_it_to_the_sound(
    speech: Path,
) -> None:
    regions = [region(1, 2), region(7, 8), region(8.6, 9)]
    heard = spoken_lines(scene(speech), regions, Levels(), Halves())
    assert [line.speaker for line in heard.lines] == ["Speaker 00", "Speaker 01", "Speaker 01"]
    assert states(heard)[1] == ("speakers", "done", "halves")
    without = spoken_lines(scene(speech), regions, Levels(), Broken())
    assert states(without)[1] == ("speakers", "done", METHOD)
    assert without.reports[1].message.startswith("pyannote failed: no weights. Speakers were told")


def test_lines_imagined_where_nobody_speaks_are_left_out(speech: Path) -> None:
    class Imagines:
        name = "imagines"

        def transcribe(self, samples: Floats, spans: Sequence[Span]) -> Iterator[Segment]:
            yield Segment(0.1, 0.3, "Before the words and in them.", (0.1, 0.25), "en")
            yield Segment(0.6, 40.0, "Long after.", (0.6, 39.0), "en")
            yield Segment(35.0, 36.0, "Thanks for watching!", (35.0,), "en")
            yield Segment(0.5, 0.7, "\ufffd ...", (), "en")
            yield Segment(0.9, 0.8, "Backwards.", (), "en")

    heard = spoken_lines(scene(speech), [region(1.0, 1.8)], Imagines())
    assert [(one.text, one.start_s, one.end_s, one.words_s) for one in heard.lines] == [
        ("Before the words and in them.", 0.8, 1.0, (0.8, 0.95)),
        ("Long after.", 1.3, 2.033, (1.3, 2.033)),
    ]


def test_hearing_can_be_stopped(speech: Path) -> None:
    def stop(_stage: str, fraction: float) -> None:
        if fraction > 0.2:
            raise CancelledError("stopped")

    with pytest.raises(CancelledError):
        spoken_lines(scene(speech), [region(1, 2), region(7, 8)], Levels(), progress=stop)


def test_the_speakers_of_real_lines_are_told_apart() -> None:
    truth = json.loads(shared_media("reel_24.json").read_text())["dialogue"]
    path = shared_media("reel_24_dialogue.flac")
    cut = [sounds.decoded(path, line["start_s"], line["end_s"]) for line in truth]
    first: dict[int, int] = {}
    wanted = tuple(first.setdefault(line["speaker"], len(first)) for line in truth)
    assert tell_apart(cut) == wanted
