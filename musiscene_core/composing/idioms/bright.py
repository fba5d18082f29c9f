"""Idioms of triumph, play and wonder."""

from __future__ import annotations

from musiscene_core.composing.idioms.style import (
    BassStyle,
    DrumStyle,
    FigureStyle,
    Idiom,
    Lane,
    MelodyStyle,
    TextureStyle,
)

_FOUR = ((4, 1.0),)
_UP = (0, 1, 2, 3)
_ARCH = (0, 1, 2, 3, 2, 1)

BRIGHT: tuple[Idiom, ...] = (
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
        contrast=1.2,
        figure=FigureStyle(
            ("string_ensemble",), "332", 16, ((0, 2, 3, 2), (0, 3, 2, 3, 1, 3), _UP), hold=0.7
        ),
        bass=BassStyle(("contrabass", "pulse_bass"), "332", 6, (0, 0, 7)),
        melody=MelodyStyle(("horn", "solo_strings"), 60, 82, ("bold",), 0.5),
        drums=DrumStyle(
            "cinematic_kit",
            (
                (
                    Lane(36, "downbeats", 3, 92, 0.2),
                    Lane(38, "backbeat", 4, 76, 0.5),
                    Lane(43, "332", 6, 80, 0.35),
                    Lane(51, "eighths", 8, 48, 0.7),
                ),
                (
                    Lane(41, "downbeats", 2, 86, 0.2),
                    Lane(38, "332", 6, 70, 0.45),
                    Lane(45, "even", 4, 76, 0.35),
                    Lane(51, "even", 4, 46, 0.7),
                ),
                (
                    Lane(36, "even", 4, 86, 0.2),
                    Lane(38, "eighths", 8, 62, 0.5),
                    Lane(41, "backbeat", 3, 80, 0.35),
                    Lane(51, "offbeat", 4, 46, 0.7),
                ),
            ),
            (49, 36, 41),
            (
                ((4, 50), (3, 48), (2, 45), (1, 41)),
                ((6, 38), (5, 38), (4, 38), (3, 45), (2, 43), (1, 41)),
                ((4, 38), (3, 38), (2, 38), (1, 38)),
            ),
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
        bass=BassStyle(("contrabass",), "downbeats", 4, (0, 7), 0.55),
        melody=MelodyStyle(("clarinet", "flute", "celesta"), 62, 84, ("playful",), 0.4),
        drums=DrumStyle(
            "soft_kit",
            (
                (
                    Lane(76, "332", 3, 56, 0.3),
                    Lane(77, "offbeat", 2, 50, 0.5),
                    Lane(54, "backbeat", 2, 46, 0.55),
                ),
                (
                    Lane(77, "downbeats", 2, 52, 0.3),
                    Lane(76, "offbeat", 3, 52, 0.45),
                    Lane(81, "even", 1, 40, 0.6),
                ),
                (
                    Lane(75, "offbeat", 2, 50, 0.3),
                    Lane(70, "eighths", 5, 40, 0.4),
                    Lane(77, "backbeat", 2, 52, 0.55),
                ),
            ),
            (36, 76, 81),
            (
                ((4, 76), (3, 76), (2, 77), (1, 77)),
                ((3, 77), (2, 76), (1, 77)),
                ((6, 75), (4, 75), (3, 76), (2, 76), (1, 77)),
            ),
        ),
        texture=TextureStyle(("shimmer",), ("bell",), 0.1),
        pad_db=-6.0,
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
        contrast=1.2,
        figure=FigureStyle(("harp", "glass_pad"), "eighths", 14, (_ARCH, (0, 2, 3, 4, 3, 2)), 12),
        bass=BassStyle(("contrabass", "sub_bass"), "downbeats", 2, (0, 7), 0.98),
        melody=MelodyStyle(("celesta", "flute", "horn"), 64, 84, ("lyrical", "bold"), 0.45),
        drums=DrumStyle(
            "soft_kit",
            (
                (
                    Lane(81, "downbeats", 1, 42, 0.35),
                    Lane(51, "even", 4, 36, 0.6),
                ),
                (
                    Lane(81, "offbeat", 2, 38, 0.35),
                    Lane(41, "downbeats", 1, 46, 0.6),
                ),
                (
                    Lane(51, "downbeats", 2, 38, 0.4),
                    Lane(69, "even", 4, 32, 0.6),
                ),
            ),
            (49, 41, 81),
            (
                ((4, 51), (3, 51), (2, 51), (1, 51)),
                ((4, 43), (2, 43), (1, 41)),
            ),
        ),
        texture=TextureStyle(("shimmer",), ("bell", "boom"), 0.5),
        pad_db=-2.0,
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
                (
                    Lane(36, "even", 4, 84, 0.25),
                    Lane(38, "backbeat", 2, 78, 0.4),
                    Lane(42, "eighths", 12, 46, 0.3),
                    Lane(54, "offbeat", 4, 48, 0.55),
                ),
                (
                    Lane(36, "332", 3, 84, 0.25),
                    Lane(38, "backbeat", 2, 72, 0.4),
                    Lane(70, "even", 12, 44, 0.3),
                    Lane(76, "332", 4, 50, 0.55),
                ),
                (
                    Lane(36, "downbeats", 2, 82, 0.25),
                    Lane(54, "backbeat", 2, 60, 0.35),
                    Lane(42, "offbeat", 8, 46, 0.3),
                    Lane(45, "332", 5, 62, 0.5),
                ),
            ),
            (49, 36, 38),
            (
                ((4, 38), (3, 48), (2, 45), (1, 43)),
                ((6, 38), (4, 38), (3, 38), (2, 48), (1, 45)),
                ((4, 54), (3, 54), (2, 38), (1, 38)),
            ),
        ),
        texture=TextureStyle(("shimmer",), ("boom",), 0.15),
        pad_db=-5.0,
    ),
)
