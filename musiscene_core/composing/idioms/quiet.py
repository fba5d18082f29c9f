"""Idioms that stay out of the way: calm, intimate, sad, neutral."""

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
_SOFT_IMPACT = (41, 81)

QUIET: tuple[Idiom, ...] = (
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
        contrast=1.2,
        figure=FigureStyle(
            ("harp", "felt_piano", "glass_pad"), "even", 10, (_UP, (0, 2, 4, 3)), 12
        ),
        bass=BassStyle(("sub_bass",), "downbeats", 1, hold=1.0),
        melody=MelodyStyle(("flute", "felt_piano", "celesta"), 65, 84, ("sparse",), 0.25),
        drums=DrumStyle("soft_kit", (), _SOFT_IMPACT),
        texture=TextureStyle(("shimmer",), ("bell",), 0.45),
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
        drums=DrumStyle(
            "soft_kit",
            (
                (Lane(70, "eighths", 4, 34, 0.7),),
                (Lane(69, "even", 4, 32, 0.7),),
                (Lane(81, "downbeats", 1, 32, 0.7),),
            ),
            _SOFT_IMPACT,
            (
                ((2, 70), (1, 70)),
                ((4, 69), (2, 69), (1, 69)),
            ),
        ),
        texture=TextureStyle(("shimmer", "drone"), ("bell",), 0.1),
        pad_db=-7.0,
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
                (
                    Lane(70, "eighths", 8, 40, 0.3),
                    Lane(36, "downbeats", 2, 58, 0.45),
                    Lane(76, "offbeat", 2, 40, 0.65),
                ),
                (
                    Lane(69, "even", 8, 38, 0.3),
                    Lane(36, "332", 2, 56, 0.45),
                    Lane(77, "backbeat", 2, 42, 0.65),
                ),
                (
                    Lane(42, "offbeat", 6, 38, 0.3),
                    Lane(36, "even", 2, 56, 0.45),
                    Lane(75, "332", 3, 38, 0.6),
                ),
            ),
            (36, 41, 81),
            (
                ((4, 70), (3, 70), (2, 70), (1, 70)),
                ((4, 76), (3, 76), (2, 77), (1, 77)),
            ),
        ),
        texture=TextureStyle(("shimmer", "drone"), ("bell",), 0.1),
        pad_db=-3.0,
    ),
)
