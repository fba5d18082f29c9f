"""Cues written by hand, for tests and measurements that need music without a composer."""

from __future__ import annotations

from collections.abc import Sequence

from musiscene_core.cue import Cue, Note, Part, StemRole
from musiscene_core.tempo_map import TempoMap


def cue_of(
    parts: Sequence[Part], *, length_s: float = 4.0, bpm: float = 120.0, offset_s: float = 0.0
) -> Cue:
    """A cue of these parts and nothing else."""
    return Cue(
        tempo=TempoMap.constant(bpm, offset_s=offset_s),
        tonic=2,
        mode="minor",
        scale="dorian",
        idiom="test",
        length_s=length_s,
        sections=(),
        chords=(),
        parts=tuple(parts),
        hits=(),
    )


def part_of(
    instrument: str,
    notes: Sequence[tuple[float, float, int, int]],
    *,
    role: StemRole = "melody",
    gain_db: float = 0.0,
    pan: float = 0.0,
    name: str = "",
) -> Part:
    """A part of (start beat, length in beats, pitch, velocity) notes."""
    return Part(
        name=name or instrument,
        role=role,
        instrument=instrument,
        notes=tuple(Note(*note) for note in notes),
        gain_db=gain_db,
        pan=pan,
    )


def one_note(
    instrument: str, pitch: int = 60, *, beats: float = 4.0, velocity: int = 96, start: float = 0.0
) -> Cue:
    """A cue of a single note."""
    return cue_of([part_of(instrument, [(start, beats, pitch, velocity)])])


_BARS = (  # bass note, chord, melody (beat, length, pitch)
    (38, (50, 57, 62, 65), ((0, 1.5, 69), (1.5, 0.5, 72), (2, 2, 74))),
    (34, (53, 58, 62, 65), ((0, 1, 74), (1, 1, 72), (2, 2, 70))),
    (41, (53, 57, 60, 65), ((0, 1.5, 69), (1.5, 0.5, 72), (2, 2, 77))),
    (36, (52, 55, 60, 67), ((0, 3, 76), (3, 1, 74))),
)


def film_cue(length_s: float = 30.0, bpm: float = 96.0) -> Cue:
    """Eight parts in D minor that grow to a climax and ring out: strings, piano, horn, drums."""
    bars = int((length_s - 2.5) * bpm / 240.0)
    pads, strings, ostinato, bass, melody, drums, drone, effects = ([] for _ in range(8))
    for bar in range(bars):
        root, chord, tune = _BARS[bar % 4]
        beat, growth = bar * 4.0, bar / bars
        loud = int(62 + 45 * growth)
        pads += [(beat, 4.0, pitch, loud - 8) for pitch in chord]
        bass += [(beat, 2.5, root, loud), (beat + 2.5, 1.5, root, loud - 6)]
        ostinato += [
            (beat + eighth / 2, 0.45, chord[(0, 2, 1, 3, 2, 1, 3, 2)[eighth]] + 12, loud - 14)
            for eighth in range(8)
        ]
        if bar % 4 == 0:
            drone.append((beat, 16.0, 38, 70))
        if bar >= bars // 4:
            melody += [(beat + at, length, pitch, loud) for at, length, pitch in tune]
        if bar >= bars // 2:
            strings += [(beat, 3.9, pitch + 12, loud) for pitch in chord[1:]]
            drums += [(beat, 0.5, 41, loud + 8), (beat + 1.5, 0.5, 43, loud - 8)]
            drums += [(beat + 2, 0.5, 41, loud), (beat + 3, 0.5, 45, loud - 4)]
            drums += [(beat + eighth / 2, 0.25, 69, loud - 25) for eighth in range(8)]
    middle, end = bars // 2 * 4.0, bars * 4.0
    effects += [(middle - 4.0, 4.0, 50, 90)]
    hits = [(middle, 2.0, 26, 110), (end, 2.0, 26, 118)]
    pads += [(end, 3.0, pitch, 92) for pitch in (50, 57, 62, 66)]
    bass.append((end, 3.0, 38, 104))
    drums += [(middle, 0.5, 36, 110), (end, 0.5, 36, 118), (end, 2.0, 49, 96)]
    parts = [
        part_of("warm_pad", pads, role="harmony", gain_db=-2),
        part_of("string_ensemble", strings, role="harmony", pan=-0.2),
        part_of("felt_piano", ostinato, role="harmony", gain_db=-2, pan=0.2),
        part_of("contrabass", bass, role="bass"),
        part_of("solo_strings", melody, role="melody", pan=0.1),
        part_of("cinematic_kit", drums, role="percussion"),
        part_of("drone", drone, role="texture", gain_db=-6),
        part_of("riser", effects, role="texture", gain_db=-4),
        part_of("boom", hits, role="texture"),
    ]
    return cue_of(parts, length_s=length_s, bpm=bpm)
