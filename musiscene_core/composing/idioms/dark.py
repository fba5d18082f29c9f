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
_TAIKO_FILL = (48, 45, 43, 41)

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
                Lane(36, "downbeats", 4, 104, 0.1),
                Lane(41, "332", 6, 92, 0.25),
                Lane(43, "offbeat", 6, 80, 0.45),
                Lane(38, "backbeat", 2, 92, 0.6),
            ),
            _TAIKO_IMPACT,
            (50, 48, 45, 43, 41, 36),
        ),
        texture=TextureStyle(("noise_swell", "drone"), ("boom", "braam")),
        pad_db=-4.0,
    ),
)
