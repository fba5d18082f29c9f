"""The idioms a cue can be written in: what a table of styles says, and the table.

An idiom is data only: which feelings it serves, its tempi, scales, progressions, instruments and
rhythmic habits. How a habit becomes notes is the business of the modules that read it.
"""

from __future__ import annotations

from dataclasses import dataclass

Weights = tuple[tuple[str, float], ...]


@dataclass(frozen=True)
class FigureStyle:
    """How the harmony moves.

    Attributes:
        instruments: one of them plays.
        order: name in rhythms.ORDERS: which steps of the bar fill up first.
        most: notes in a bar of four beats at full activity.
        contours: cycles of voice indices; 4 and up are an octave higher.
        octave: semitones above the pads.
        hold: note length as a share of the way to the next one.
    """

    instruments: tuple[str, ...]
    order: str
    most: int
    contours: tuple[tuple[int, ...], ...]
    octave: int = 0
    hold: float = 0.9


@dataclass(frozen=True)
class BassStyle:
    """How the bass moves: `tones` cycles through semitones above the root."""

    instruments: tuple[str, ...]
    order: str
    most: int
    tones: tuple[int, ...] = (0,)
    hold: float = 0.95


@dataclass(frozen=True)
class MelodyStyle:
    """How the melody moves.

    Attributes:
        instruments: one of them plays a section.
        low: lowest note.
        high: highest note.
        cells: names in melody.CELLS: rhythms a motif may have.
        leap: how likely the motif leaps, 0 to 1.
    """

    instruments: tuple[str, ...]
    low: int
    high: int
    cells: tuple[str, ...]
    leap: float = 0.25


@dataclass(frozen=True)
class Lane:
    """One drum's habit: `most` notes a bar at full activity, none below the activity `floor`."""

    pitch: int
    order: str
    most: int
    velocity: int
    floor: float = 0.0


@dataclass(frozen=True)
class DrumStyle:
    """How the percussion plays.

    Attributes:
        kit: instrument name.
        lanes: habits; none is an idiom without percussion but at hits.
        impact: drums struck on a hit, loudest first.
        fill: drums of a fill, high to low; none plays no fills.
    """

    kit: str
    lanes: tuple[Lane, ...]
    impact: tuple[int, ...]
    fill: tuple[int, ...] = ()


@dataclass(frozen=True)
class TextureStyle:
    """What lies behind: sustained beds, and what sounds at the main hit."""

    beds: tuple[str, ...]
    hit: tuple[str, ...] = ("boom",)
    sparkle: float = 0.0


@dataclass(frozen=True)
class Idiom:
    """A style.

    Attributes:
        name: as the cue reports it.
        feelings: brief.DIMENSIONS it serves, with weights.
        valence: where it sits, -1 to 1.
        arousal: where it sits, -1 to 1.
        bpm: slowest and fastest tempo.
        metres: beats a bar, with weights.
        scales: with weights.
        characters: of its progressions, the favourite first.
        bars_per_chord: choices.
        pads: instruments that hold the chords.
        pad_db: their level.
        density: how full it likes to be, 0 to 1.
        figure: how the harmony moves.
        bass: how the bass moves.
        melody: how the melody moves.
        drums: how the percussion plays.
        texture: what lies behind.
    """

    name: str
    feelings: Weights
    valence: float
    arousal: float
    bpm: tuple[int, int]
    metres: tuple[tuple[int, float], ...]
    scales: Weights
    characters: tuple[str, ...]
    bars_per_chord: tuple[int, ...]
    pads: tuple[str, ...]
    density: float
    figure: FigureStyle
    bass: BassStyle
    melody: MelodyStyle
    drums: DrumStyle
    texture: TextureStyle
    pad_db: float = -3.0


_FOUR = ((4, 1.0),)
_UP = (0, 1, 2, 3)
_ARCH = (0, 1, 2, 3, 2, 1)
_SOFT_IMPACT = (41, 81)
_TAIKO_IMPACT = (36, 41, 49)
_TAIKO_FILL = (48, 45, 43, 41)

IDIOMS: tuple[Idiom, ...] = (
    Idiom(
        name="tension pulse",
        feelings=(("anxious", 1.0), ("annoying", 0.6), ("scary", 0.45), ("indignant", 0.4)),
        valence=-0.4,
        arousal=0.3,
        bpm=(88, 118),
        metres=_FOUR,
        scales=(("aeolian", 1.0), ("phrygian", 0.8), ("dorian", 0.4), ("harmonic_minor", 0.3)),
        characters=("static", "threat"),
        bars_per_chord=(2,),
        pads=("warm_pad", "string_ensemble", "glass_pad"),
        density=0.55,
        figure=FigureStyle(
            ("pizzicato", "felt_piano"), "332", 12, ((0, 0, 2, 0, 1, 0), (0, 2, 0, 1)), hold=0.55
        ),
        bass=BassStyle(("pulse_bass", "contrabass"), "eighths", 8, hold=0.7),
        melody=MelodyStyle(("clarinet", "solo_strings", "felt_piano"), 60, 76, ("sparse",), 0.15),
        drums=DrumStyle(
            "cinematic_kit",
            (
                Lane(41, "332", 4, 74, 0.25),
                Lane(69, "eighths", 8, 50, 0.1),
                Lane(75, "offbeat", 3, 52, 0.5),
                Lane(36, "downbeats", 2, 82, 0.45),
            ),
            _TAIKO_IMPACT,
            _TAIKO_FILL,
        ),
        texture=TextureStyle(("drone", "noise_swell"), ("boom", "braam")),
    ),
    Idiom(
        name="ambient pad",
        feelings=(("calm", 1.0), ("dreamy", 0.8), ("beautiful", 0.4)),
        valence=0.25,
        arousal=-0.6,
        bpm=(56, 76),
        metres=_FOUR,
        scales=(("ionian", 0.8), ("lydian", 0.9), ("dorian", 0.7), ("aeolian", 0.5)),
        characters=("drift", "static"),
        bars_per_chord=(2,),
        pads=("warm_pad", "glass_pad", "soft_choir"),
        density=0.25,
        figure=FigureStyle(
            ("harp", "felt_piano", "glass_pad"), "even", 10, (_UP, (0, 2, 4, 3)), 12
        ),
        bass=BassStyle(("sub_bass",), "downbeats", 1, hold=1.0),
        melody=MelodyStyle(("flute", "felt_piano", "celesta"), 65, 84, ("sparse",), 0.25),
        drums=DrumStyle("soft_kit", (), _SOFT_IMPACT),
        texture=TextureStyle(("shimmer", "drone"), ("bell",), 0.35),
        pad_db=-1.0,
    ),
    Idiom(
        name="intimate piano",
        feelings=(("erotic", 0.8), ("sad", 0.5), ("beautiful", 0.9), ("calm", 0.6)),
        valence=0.1,
        arousal=-0.4,
        bpm=(60, 84),
        metres=((4, 0.7), (3, 0.3)),
        scales=(("ionian", 0.9), ("aeolian", 0.8), ("dorian", 0.4), ("lydian", 0.3)),
        characters=("hope", "sorrow", "drift"),
        bars_per_chord=(1,),
        pads=("string_ensemble", "warm_pad"),
        density=0.4,
        figure=FigureStyle(
            ("felt_piano",), "eighths", 12, (_ARCH, (0, 2, 1, 2), (0, 1, 2, 1)), hold=1.4
        ),
        bass=BassStyle(("contrabass",), "downbeats", 2, (0, 7), 0.98),
        melody=MelodyStyle(("felt_piano", "solo_strings", "clarinet"), 62, 81, ("lyrical",), 0.3),
        drums=DrumStyle("soft_kit", (Lane(70, "eighths", 4, 34, 0.7),), _SOFT_IMPACT),
        texture=TextureStyle(("shimmer", "drone"), ("bell",), 0.1),
        pad_db=-7.0,
    ),
    Idiom(
        name="string drama",
        feelings=(("indignant", 0.9), ("anxious", 0.5), ("beautiful", 0.5), ("sad", 0.4)),
        valence=-0.15,
        arousal=0.2,
        bpm=(76, 104),
        metres=((4, 0.8), (3, 0.2)),
        scales=(("aeolian", 1.0), ("harmonic_minor", 0.8), ("dorian", 0.6), ("ionian", 0.2)),
        characters=("sorrow", "drive", "hope"),
        bars_per_chord=(1, 1, 2),
        pads=("string_ensemble", "soft_choir"),
        density=0.65,
        figure=FigureStyle(
            ("string_ensemble", "harp"), "eighths", 12, (_ARCH, (0, 2, 1, 2), (0, 3, 2, 3))
        ),
        bass=BassStyle(("contrabass",), "even", 4, (0, 0, 7, 0)),
        melody=MelodyStyle(("solo_strings", "horn"), 60, 84, ("lyrical", "bold"), 0.35),
        drums=DrumStyle(
            "cinematic_kit",
            (Lane(41, "332", 3, 72, 0.45), Lane(47, "offbeat", 2, 58, 0.65)),
            _TAIKO_IMPACT,
            _TAIKO_FILL,
        ),
        texture=TextureStyle(("drone", "shimmer"), ("boom",)),
    ),
    Idiom(
        name="heroic",
        feelings=(("triumphant", 1.0), ("indignant", 0.25), ("energising", 0.35)),
        valence=0.5,
        arousal=0.55,
        bpm=(96, 132),
        metres=((4, 0.85), (3, 0.15)),
        scales=(("ionian", 1.0), ("mixolydian", 0.8), ("lydian", 0.6), ("dorian", 0.2)),
        characters=("hope", "drive"),
        bars_per_chord=(1, 2),
        pads=("brass_ensemble", "string_ensemble"),
        density=0.8,
        figure=FigureStyle(
            ("string_ensemble",), "332", 16, ((0, 2, 3, 2), (0, 3, 2, 3, 1, 3), _UP), hold=0.7
        ),
        bass=BassStyle(("contrabass", "pulse_bass"), "332", 6, (0, 0, 7)),
        melody=MelodyStyle(("horn", "solo_strings"), 60, 82, ("bold",), 0.5),
        drums=DrumStyle(
            "cinematic_kit",
            (
                Lane(36, "downbeats", 3, 92, 0.2),
                Lane(38, "backbeat", 4, 76, 0.5),
                Lane(43, "332", 6, 80, 0.35),
                Lane(51, "eighths", 8, 48, 0.7),
            ),
            (49, 36, 41),
            (50, 48, 45, 41),
        ),
        texture=TextureStyle(("shimmer", "drone"), ("boom",)),
        pad_db=-4.0,
    ),
    Idiom(
        name="comedy pizzicato",
        feelings=(("amusing", 1.0), ("joyful", 0.5), ("annoying", 0.4)),
        valence=0.45,
        arousal=0.25,
        bpm=(100, 136),
        metres=((4, 0.7), (3, 0.3)),
        scales=(("ionian", 1.0), ("mixolydian", 0.5), ("harmonic_minor", 0.4), ("lydian", 0.4)),
        characters=("play",),
        bars_per_chord=(1,),
        pads=("pizzicato", "warm_pad"),
        density=0.55,
        figure=FigureStyle(("pizzicato",), "offbeat", 8, ((1, 2, 3, 2), (1, 3, 2, 3)), hold=0.4),
        bass=BassStyle(("contrabass",), "downbeats", 4, (0, 7), 0.4),
        melody=MelodyStyle(("clarinet", "flute", "celesta"), 62, 84, ("playful",), 0.4),
        drums=DrumStyle(
            "soft_kit",
            (
                Lane(76, "332", 3, 56, 0.3),
                Lane(77, "offbeat", 2, 50, 0.5),
                Lane(54, "backbeat", 2, 46, 0.55),
            ),
            (36, 76, 81),
            (76, 76, 77, 77),
        ),
        texture=TextureStyle(("shimmer",), ("bell",), 0.1),
        pad_db=-6.0,
    ),
    Idiom(
        name="action ostinato",
        feelings=(("energising", 1.0), ("anxious", 0.35), ("indignant", 0.5), ("triumphant", 0.4)),
        valence=-0.05,
        arousal=0.8,
        bpm=(120, 156),
        metres=_FOUR,
        scales=(("aeolian", 1.0), ("dorian", 0.7), ("phrygian", 0.6), ("mixolydian", 0.2)),
        characters=("drive", "threat"),
        bars_per_chord=(2, 2, 1),
        pads=("string_ensemble", "brass_ensemble"),
        density=0.85,
        figure=FigureStyle(
            ("string_ensemble", "pulse_bass"),
            "332",
            16,
            ((0, 0, 2, 0, 0, 3, 0, 2), (0, 2, 0, 3), (0, 0, 1, 0, 0, 2)),
            hold=0.6,
        ),
        bass=BassStyle(("pulse_bass", "contrabass"), "332", 8, (0, 0, 0, 12), 0.7),
        melody=MelodyStyle(("horn", "solo_strings", "synth_lead"), 60, 80, ("bold",), 0.4),
        drums=DrumStyle(
            "cinematic_kit",
            (
                Lane(36, "332", 5, 96, 0.15),
                Lane(41, "even", 8, 84, 0.3),
                Lane(47, "offbeat", 6, 74, 0.5),
                Lane(42, "eighths", 16, 50, 0.4),
                Lane(38, "backbeat", 3, 86, 0.6),
            ),
            _TAIKO_IMPACT,
            (50, 48, 47, 45, 43, 41),
        ),
        texture=TextureStyle(("drone", "noise_swell"), ("boom", "braam")),
        pad_db=-5.0,
    ),
    Idiom(
        name="horror cluster",
        feelings=(("scary", 1.0), ("anxious", 0.5), ("annoying", 0.3)),
        valence=-0.75,
        arousal=0.05,
        bpm=(56, 84),
        metres=_FOUR,
        scales=(("phrygian", 1.0), ("aeolian", 0.5), ("harmonic_minor", 0.6)),
        characters=("terror",),
        bars_per_chord=(2,),
        pads=("soft_choir", "string_ensemble", "glass_pad"),
        density=0.4,
        figure=FigureStyle(
            ("string_ensemble", "glass_pad"), "332", 10, ((0, 1, 0, 3), (3, 2, 3, 1)), hold=0.5
        ),
        bass=BassStyle(("sub_bass", "contrabass"), "heartbeat", 4, hold=0.8),
        melody=MelodyStyle(("music_box", "celesta", "solo_strings"), 66, 84, ("sparse",), 0.45),
        drums=DrumStyle(
            "cinematic_kit",
            (Lane(41, "heartbeat", 4, 66, 0.3), Lane(75, "offbeat", 3, 44, 0.55)),
            (36, 41, 57),
        ),
        texture=TextureStyle(("drone", "noise_swell", "shimmer"), ("boom", "braam")),
        pad_db=-2.0,
    ),
    Idiom(
        name="wonder",
        feelings=(("dreamy", 1.0), ("beautiful", 0.8), ("joyful", 0.3), ("triumphant", 0.2)),
        valence=0.55,
        arousal=-0.05,
        bpm=(72, 100),
        metres=((4, 0.6), (3, 0.4)),
        scales=(("lydian", 1.0), ("ionian", 0.6), ("mixolydian", 0.2)),
        characters=("hope", "drift"),
        bars_per_chord=(1, 2),
        pads=("soft_choir", "string_ensemble", "warm_pad"),
        density=0.5,
        figure=FigureStyle(("harp", "glass_pad"), "eighths", 14, (_ARCH, (0, 2, 3, 4, 3, 2)), 12),
        bass=BassStyle(("contrabass", "sub_bass"), "downbeats", 2, (0, 7), 0.98),
        melody=MelodyStyle(("celesta", "flute", "horn"), 64, 84, ("lyrical", "bold"), 0.45),
        drums=DrumStyle(
            "soft_kit",
            (Lane(81, "downbeats", 1, 42, 0.35), Lane(51, "even", 4, 36, 0.6)),
            (49, 41, 81),
        ),
        texture=TextureStyle(("shimmer",), ("bell", "boom"), 0.5),
        pad_db=-2.0,
    ),
    Idiom(
        name="melancholy",
        feelings=(("sad", 1.0), ("beautiful", 0.35), ("dreamy", 0.15)),
        valence=-0.55,
        arousal=-0.5,
        bpm=(54, 74),
        metres=((4, 0.75), (3, 0.25)),
        scales=(("aeolian", 1.0), ("dorian", 0.5), ("harmonic_minor", 0.5), ("ionian", 0.1)),
        characters=("sorrow",),
        bars_per_chord=(1,),
        pads=("string_ensemble", "warm_pad"),
        density=0.35,
        figure=FigureStyle(
            ("felt_piano", "harp"), "eighths", 10, ((0, 2, 1, 2), _UP, (0, 1, 2)), hold=1.3
        ),
        bass=BassStyle(("contrabass",), "downbeats", 1, hold=0.98),
        melody=MelodyStyle(("solo_strings", "clarinet", "felt_piano"), 60, 79, ("lyrical",), 0.3),
        drums=DrumStyle("soft_kit", (), _SOFT_IMPACT),
        texture=TextureStyle(("drone", "shimmer"), ("bell",)),
    ),
    Idiom(
        name="uplift",
        feelings=(("joyful", 1.0), ("energising", 0.6), ("triumphant", 0.35), ("amusing", 0.2)),
        valence=0.75,
        arousal=0.45,
        bpm=(104, 132),
        metres=_FOUR,
        scales=(("ionian", 1.0), ("mixolydian", 0.5), ("lydian", 0.4)),
        characters=("hope",),
        bars_per_chord=(1, 2),
        pads=("warm_pad", "string_ensemble"),
        density=0.65,
        figure=FigureStyle(
            ("felt_piano", "pizzicato", "harp"),
            "332",
            12,
            ((0, 2, 3, 2), (0, 2, 1, 3)),
            octave=12,
            hold=0.8,
        ),
        bass=BassStyle(("pulse_bass", "contrabass"), "332", 6, (0, 0, 7, 0), 0.8),
        melody=MelodyStyle(("flute", "horn", "synth_lead"), 62, 84, ("playful", "bold"), 0.35),
        drums=DrumStyle(
            "cinematic_kit",
            (
                Lane(36, "even", 4, 84, 0.25),
                Lane(38, "backbeat", 2, 78, 0.4),
                Lane(42, "eighths", 12, 46, 0.3),
                Lane(54, "offbeat", 4, 48, 0.55),
            ),
            (49, 36, 38),
            (38, 48, 45, 43),
        ),
        texture=TextureStyle(("shimmer",), ("boom",), 0.15),
        pad_db=-5.0,
    ),
    Idiom(
        name="documentary neutral",
        feelings=(("calm", 0.6), ("energising", 0.25), ("beautiful", 0.3), ("amusing", 0.15)),
        valence=0.1,
        arousal=-0.15,
        bpm=(84, 108),
        metres=_FOUR,
        scales=(("dorian", 0.9), ("ionian", 0.8), ("mixolydian", 0.6), ("aeolian", 0.5)),
        characters=("drift", "hope"),
        bars_per_chord=(2, 1),
        pads=("warm_pad", "glass_pad"),
        density=0.45,
        figure=FigureStyle(
            ("felt_piano", "pizzicato", "harp"), "332", 8, (_ARCH, (0, 2, 1, 3)), hold=0.8
        ),
        bass=BassStyle(("sub_bass", "contrabass"), "downbeats", 3, (0, 0, 7), 0.9),
        melody=MelodyStyle(("felt_piano", "clarinet", "flute"), 62, 81, ("sparse", "lyrical"), 0.2),
        drums=DrumStyle(
            "soft_kit",
            (
                Lane(70, "eighths", 8, 40, 0.3),
                Lane(36, "downbeats", 2, 58, 0.45),
                Lane(76, "offbeat", 2, 40, 0.65),
            ),
            (36, 41, 81),
        ),
        texture=TextureStyle(("shimmer", "drone"), ("bell",), 0.1),
        pad_db=-3.0,
    ),
)


def idiom_named(name: str) -> Idiom:
    """The idiom called `name`; KeyError where there is none."""
    for idiom in IDIOMS:
        if idiom.name == name:
            return idiom
    raise KeyError(name)
