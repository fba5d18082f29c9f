"""Idioms of threat, conflict and drive."""

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
_ARCH = (0, 1, 2, 3, 2, 1)
_TAIKO_IMPACT = (36, 41, 49)

DARK: tuple[Idiom, ...] = (
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
        contrast=2.1,
        figure=FigureStyle(
            ("pizzicato", "felt_piano"), "332", 12, ((0, 0, 2, 0, 1, 0), (0, 2, 0, 1)), hold=0.55
        ),
        bass=BassStyle(("pulse_bass", "contrabass"), "eighths", 8, hold=0.7),
        melody=MelodyStyle(("clarinet", "solo_strings", "felt_piano"), 60, 76, ("sparse",), 0.15),
        drums=DrumStyle(
            "cinematic_kit",
            (
                (
                    Lane(41, "332", 4, 74, 0.25),
                    Lane(69, "eighths", 8, 50, 0.1),
                    Lane(75, "offbeat", 3, 52, 0.5),
                    Lane(36, "downbeats", 2, 82, 0.45),
                ),
                (
                    Lane(43, "heartbeat", 4, 70, 0.2),
                    Lane(70, "even", 8, 48, 0.1),
                    Lane(36, "downbeats", 1, 80, 0.4),
                    Lane(77, "offbeat", 3, 50, 0.55),
                ),
                (
                    Lane(41, "downbeats", 2, 72, 0.2),
                    Lane(69, "offbeat", 6, 50, 0.1),
                    Lane(45, "332", 3, 60, 0.4),
                    Lane(42, "eighths", 6, 44, 0.55),
                ),
            ),
            _TAIKO_IMPACT,
            (
                ((4, 48), (3, 45), (2, 43), (1, 41)),
                ((6, 41), (5, 41), (3, 41), (2, 43), (1, 45)),
                ((8, 69), (6, 69), (4, 43), (3, 43), (2, 41), (1, 41)),
            ),
        ),
        texture=TextureStyle(("drone", "noise_swell"), ("boom", "braam")),
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
            (
                (
                    Lane(41, "332", 3, 72, 0.45),
                    Lane(47, "offbeat", 2, 58, 0.65),
                ),
                (
                    Lane(41, "downbeats", 2, 70, 0.45),
                    Lane(43, "heartbeat", 3, 56, 0.6),
                ),
                (
                    Lane(45, "even", 4, 60, 0.5),
                    Lane(41, "downbeats", 1, 74, 0.45),
                ),
            ),
            _TAIKO_IMPACT,
            (
                ((4, 48), (3, 45), (2, 43), (1, 41)),
                ((4, 41), (3, 41), (2, 41), (1, 41)),
                ((6, 45), (4, 45), (3, 43), (2, 43), (1, 41)),
            ),
        ),
        texture=TextureStyle(("drone", "shimmer"), ("boom",)),
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
                (
                    Lane(36, "332", 5, 96, 0.15),
                    Lane(41, "even", 8, 84, 0.3),
                    Lane(47, "offbeat", 6, 74, 0.5),
                    Lane(42, "eighths", 16, 50, 0.4),
                    Lane(38, "backbeat", 3, 86, 0.6),
                ),
                (
                    Lane(36, "downbeats", 4, 96, 0.15),
                    Lane(43, "332", 8, 82, 0.3),
                    Lane(45, "backbeat", 5, 74, 0.5),
                    Lane(69, "eighths", 16, 50, 0.4),
                    Lane(38, "offbeat", 3, 82, 0.6),
                ),
                (
                    Lane(41, "heartbeat", 6, 92, 0.15),
                    Lane(47, "even", 8, 78, 0.3),
                    Lane(36, "even", 4, 94, 0.4),
                    Lane(42, "offbeat", 12, 50, 0.4),
                    Lane(50, "332", 4, 76, 0.6),
                ),
            ),
            _TAIKO_IMPACT,
            (
                ((4, 50), (3, 47), (2, 43), (1, 41)),
                ((6, 50), (5, 48), (4, 47), (3, 45), (2, 43), (1, 41)),
                ((6, 41), (5, 41), (4, 43), (3, 43), (2, 38), (1, 38)),
            ),
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
        contrast=1.25,
        figure=FigureStyle(
            ("string_ensemble", "glass_pad"), "332", 10, ((0, 1, 0, 3), (3, 2, 3, 1)), hold=0.5
        ),
        bass=BassStyle(("sub_bass", "contrabass"), "heartbeat", 4, hold=0.8),
        melody=MelodyStyle(("music_box", "celesta", "solo_strings"), 66, 84, ("sparse",), 0.45),
        drums=DrumStyle(
            "cinematic_kit",
            (
                (
                    Lane(41, "heartbeat", 4, 66, 0.3),
                    Lane(75, "offbeat", 3, 44, 0.55),
                ),
                (
                    Lane(36, "heartbeat", 2, 66, 0.3),
                    Lane(69, "332", 5, 40, 0.5),
                ),
                (
                    Lane(43, "downbeats", 2, 60, 0.3),
                    Lane(77, "332", 3, 42, 0.5),
                ),
            ),
            (36, 41, 57),
            (
                ((6, 41), (4, 41), (3, 41), (1, 41)),
                ((4, 75), (3, 75), (2, 75), (1, 75)),
            ),
        ),
        texture=TextureStyle(("drone", "noise_swell", "shimmer"), ("boom", "braam")),
        pad_db=-2.0,
    ),
    Idiom(
        name="hybrid trailer",
        feelings=(("indignant", 0.95), ("energising", 0.5), ("triumphant", 0.3), ("anxious", 0.3)),
        valence=-0.1,
        arousal=0.7,
        bpm=(84, 116),
        metres=_FOUR,
        scales=(("aeolian", 1.0), ("phrygian", 0.5), ("harmonic_minor", 0.5), ("dorian", 0.3)),
        characters=("threat", "drive"),
        bars_per_chord=(2, 2, 1),
        pads=("brass_ensemble", "string_ensemble", "soft_choir"),
        density=0.9,
        contrast=2.0,
        figure=FigureStyle(
            ("string_ensemble", "pulse_bass"),
            "eighths",
            16,
            ((0, 0, 0, 2, 0, 0, 0, 3), (0, 2, 0, 0, 3, 0)),
            hold=0.5,
        ),
        bass=BassStyle(("sub_bass", "pulse_bass"), "downbeats", 4, (0, 0, 12), 0.9),
        melody=MelodyStyle(("horn", "synth_lead", "solo_strings"), 60, 79, ("bold", "sparse"), 0.4),
        drums=DrumStyle(
            "cinematic_kit",
            (
                (
                    Lane(36, "downbeats", 4, 104, 0.1),
                    Lane(41, "332", 6, 92, 0.25),
                    Lane(43, "offbeat", 6, 80, 0.45),
                    Lane(38, "backbeat", 2, 92, 0.6),
                ),
                (
                    Lane(36, "332", 4, 102, 0.1),
                    Lane(43, "even", 6, 88, 0.25),
                    Lane(47, "offbeat", 4, 78, 0.45),
                    Lane(38, "backbeat", 2, 90, 0.6),
                ),
                (
                    Lane(41, "downbeats", 3, 98, 0.1),
                    Lane(45, "heartbeat", 6, 84, 0.25),
                    Lane(42, "eighths", 8, 56, 0.45),
                    Lane(36, "even", 3, 96, 0.5),
                ),
            ),
            _TAIKO_IMPACT,
            (
                ((4, 50), (3, 45), (2, 43), (1, 41)),
                ((6, 50), (5, 48), (4, 45), (3, 43), (2, 41), (1, 36)),
                ((8, 38), (6, 38), (4, 38), (3, 38), (2, 38), (1, 38)),
            ),
        ),
        texture=TextureStyle(("noise_swell", "drone"), ("boom", "braam")),
        pad_db=-4.0,
    ),
)
