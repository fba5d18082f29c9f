import io
from bisect import bisect_right
from itertools import accumulate, pairwise

import mido
import msgspec
import pytest

from musiscene_core.composing.compose import compose
from musiscene_core.composing.notation.midi import PROGRAMS, TICKS_PER_BEAT, midi_file
from musiscene_core.composing.sound import INSTRUMENTS
from musiscene_core.composing.tempo import Wish, solve
from musiscene_core.composing.tempo_chain import Target
from musiscene_core.cue import ExpressionPoint
from musiscene_core.request import ScoreRequest
from musiscene_core.tempo_map import MetreChange, TempoMap
from tests.support.composed import composed, mood_brief
from tests.support.sound_cues import cue_of, part_of


def parsed(cue):
    return mido.MidiFile(file=io.BytesIO(midi_file(cue)), charset="utf-8")


def absolute(track):
    return list(zip(accumulate(message.time for message in track), track, strict=True))


def clock_of(file):
    """Seconds of a tick, and seconds of one tick there, by the file's own tempo events."""
    tempi = [(tick, m.tempo) for tick, m in absolute(file.tracks[0]) if m.type == "set_tempo"]
    starts = [tick for tick, _ in tempi]
    times = [0.0]
    for (tick, us), (following, _) in pairwise(tempi):
        times.append(times[-1] + (following - tick) * us / TICKS_PER_BEAT / 1e6)
    assert starts[0] == 0

    def seconds(tick):
        index = bisect_right(starts, tick) - 1
        each = tempi[index][1] / TICKS_PER_BEAT / 1e6
        return times[index] + (tick - starts[index]) * each, each

    return seconds


def check_times(cue):
    file = parsed(cue)
    seconds = clock_of(file)
    for part, track in zip(cue.parts, file.tracks[1:], strict=True):
        written = sorted((cue.tempo.seconds(note.start), note.pitch) for note in part.notes)
        read = sorted(
            (*seconds(tick), message.note)
            for tick, message in absolute(track)
            if message.type == "note_on"
        )
        assert len(read) == len(written)
        for (wanted, _), (found, each, _) in zip(written, read, strict=True):
            assert abs(found - wanted) <= each


@pytest.mark.parametrize("mood", ["joyful", "sad", "energising", "dreamy"])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_every_note_is_within_a_tick_of_the_cues_seconds(mood, seed):
    check_times(composed(mood, seed, 40.0))


@pytest.mark.parametrize("bpm", [97.3, 61.7, 133.333])
def test_an_odd_tempo_does_not_drift_in_ten_minutes(bpm):
    brief = mood_brief("energising", 600.0)
    check_times(compose(ScoreRequest(brief=brief, tempo_bpm=bpm), 1))


def test_a_piecewise_map_with_a_pickup_is_true_too():
    cues = [
        composed("joyful", seed, 60.0, cuts=(2.13, 5.71, 9.02, 13.37, 22.06, 31.11, 41.07))
        for seed in range(6)
    ]
    assert any(len(cue.tempo.segments) > 2 and cue.tempo.beat(0.0) < -0.1 for cue in cues)
    for cue in cues:
        check_times(cue)


def test_ramps_never_add_up_to_a_tenth_of_a_millisecond():
    targets = [Target(2.13 + 4.37 * step + (step * step % 7) / 3, 0.8) for step in range(14)]
    solution = solve(targets, 5, 70.0, Wish(84, 116, 98, 4), 0.001)
    tempo = solution.tempo
    assert sum(segment.bpm_per_s != 0 for segment in tempo.segments) > 6
    cue = cue_of([part_of("harp", [(0.0, 1.0, 60, 70)])], length_s=70.0)
    file = parsed(msgspec.structs.replace(cue, tempo=tempo))
    seconds = clock_of(file)
    metres = [(at, m) for at, m in absolute(file.tracks[0]) if m.type == "time_signature"]
    downbeat = next(at for at, metre in metres if metre.denominator == 4)
    for beat in range(160):
        found, _ = seconds(downbeat + beat * TICKS_PER_BEAT // 2)
        assert found == pytest.approx(tempo.seconds(beat / 2), abs=1e-4)
    for index, beat in solution.met:
        found, _ = seconds(downbeat + round(beat * TICKS_PER_BEAT))
        assert found == pytest.approx(targets[index].seconds, abs=1e-4)


def test_odd_bars_are_written_where_they_lie():
    tempo = msgspec.structs.replace(
        TempoMap.constant(120.0, offset_s=0.5),
        metres=(
            MetreChange(bar=3, beat=8.0, beats_per_bar=5),
            MetreChange(bar=4, beat=13.0, beats_per_bar=4),
        ),
    )
    cue = msgspec.structs.replace(cue_of([], length_s=20.0), tempo=tempo)
    metres = [
        (tick / TICKS_PER_BEAT, m.numerator, m.denominator)
        for tick, m in absolute(parsed(cue).tracks[0])
        if m.type == "time_signature"
    ]
    assert metres == [(0.0, 4, 16), (1.0, 4, 4), (9.0, 5, 4), (14.0, 4, 4)]


def test_the_first_track_tells_tempo_metre_key_sections_and_hits():
    cue = composed("triumphant", 1, 40.0)
    file = parsed(cue)
    assert (file.type, file.ticks_per_beat) == (1, TICKS_PER_BEAT)
    events = absolute(file.tracks[0])
    seconds = clock_of(file)
    markers = [(seconds(tick)[0], m.text) for tick, m in events if m.type == "marker"]
    for hit in cue.hits:
        wanted = cue.tempo.seconds(hit.beat)
        assert any(abs(at - wanted) < 0.002 and text.startswith("hit") for at, text in markers)
    assert [text for _, text in markers if not text.startswith("hit")] == [
        section.name for section in cue.sections
    ]
    metres = [m for _, m in events if m.type == "time_signature"]
    changes = [metre.beats_per_bar for metre in cue.tempo.metres if metre.beat > 0]
    first = metres[-1 - len(changes)]
    assert (first.numerator, first.denominator) == (cue.tempo.bar_at(0.0).beats, 4)
    assert [metre.numerator for metre in metres[len(metres) - len(changes) :]] == changes
    assert sum(m.type == "set_tempo" for _, m in events) >= len(cue.tempo.segments)
    length = sum(message.time for message in file.tracks[0])
    assert seconds(length)[0] == pytest.approx(cue.length_s, abs=0.002)


def test_bar_lines_fall_on_downbeats_after_the_pickup():
    cue = cue_of([part_of("harp", [(-0.6, 0.5, 60, 70), (0.0, 1.0, 62, 80)])], offset_s=0.4)
    events = absolute(parsed(cue).tracks[0])
    metres = [
        (tick, m.numerator, m.denominator) for tick, m in events if m.type == "time_signature"
    ]
    assert metres == [(0, 3, 16), (720, 4, 4)]
    check_times(cue)


def test_parts_have_names_programs_and_channels():
    cue = composed("joyful", 3, 30.0)
    file = parsed(cue)
    for part, track in zip(cue.parts, file.tracks[1:], strict=True):
        assert track.name == part.name
        programs = [m for m in track if m.type == "program_change"]
        assert [m.program for m in programs] == [PROGRAMS[part.instrument]]
        channels = {m.channel for m in track if m.type == "note_on"}
        assert channels == {9} if part.role == "percussion" else 9 not in channels
    assert set(INSTRUMENTS) <= set(PROGRAMS)


def test_notes_end_and_never_overlap():
    for seed in range(3):
        for track in parsed(composed("energising", seed, 30.0)).tracks[1:]:
            sounding = set()
            for message in track:
                if message.type == "note_on":
                    assert message.note not in sounding
                    sounding.add(message.note)
                elif message.type == "note_off":
                    sounding.remove(message.note)
            assert not sounding


def test_swells_are_written_as_controller_11():
    swell = (ExpressionPoint(0.0, 0.2), ExpressionPoint(2.0, 1.0), ExpressionPoint(4.0, 0.4))
    part = part_of("string_ensemble", [(0.0, 4.0, 60, 80)])
    plain, swelling = (
        [m for _, m in absolute(parsed(cue_of([one])).tracks[1]) if m.is_cc(11)]
        for one in (part, msgspec.structs.replace(part, expression=swell))
    )
    assert plain == []
    assert [swelling[0].value, max(m.value for m in swelling), swelling[-1].value] == [25, 127, 51]
    assert len(swelling) > 20


def test_names_beyond_latin_survive():
    cue = cue_of([part_of("harp", [(0.0, 1.0, 60, 70)], name="Hárfa 竪琴")])
    assert parsed(cue).tracks[1].name == "Hárfa 竪琴"


def test_the_same_cue_gives_the_same_bytes():
    cue = composed("sad", 2, 20.0)
    again = msgspec.json.decode(msgspec.json.encode(cue), type=type(cue))
    assert midi_file(cue) == midi_file(again)


def test_an_empty_cue_of_one_frame_is_a_file():
    cue = msgspec.structs.replace(cue_of([], length_s=1 / 120), tempo=TempoMap.constant(60.0))
    assert len(parsed(cue).tracks) == 1
