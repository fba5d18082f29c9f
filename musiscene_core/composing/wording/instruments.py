"""Words for instruments, and what each of the composer's instruments can do.

Knows nothing of how an instrument sounds.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from musiscene_core.composing.wording.lexing import word_set

INSTRUMENTS: Mapping[str, str] = MappingProxyType(
    {
        "felt_piano": "felt piano, piano, pianos, upright piano, grand piano, soft piano, "
        "prepared piano, keys, pianoforte, klavier, filzklavier, flügel",
        "string_ensemble": "strings, string section, string ensemble, string orchestra, violins, "
        "violas, cellos, celli, string quartet, tremolo strings, streicher, cordes, archi, "
        "cuerdas",
        "solo_strings": "violin, solo violin, viola, cello, solo cello, violoncello, fiddle, "
        "geige, violine, violon, violoncelle, violino, violín",
        "pizzicato": "pizzicato, pizz, pizzicato strings, plucked strings, gezupft",
        "contrabass": "double bass, contrabass, upright bass, contrabasses, basses, kontrabass, "
        "contrebasse, contrabbasso, contrabajo",
        "soft_choir": "choir, soft choir, chorus, choral, voices, vocals, voice, vocal, "
        "women's choir, "
        "chor, choeur, chœur, coro, coral",
        "harp": "harp, harps, harfe, harpe, arpa",
        "celesta": "celesta, celeste, glockenspiel, bells, celestas",
        "music_box": "music box, musical box, spieluhr, boîte à musique, carillon",
        "flute": "flute, flutes, flöte, querflöte, flûte, flauto, flauta",
        "clarinet": "clarinet, clarinets, klarinette, clarinette, clarinetto, clarinete",
        "horn": "horn, horns, french horn, french horns, hörner, cor, corno, corni, trompa",
        "brass_ensemble": "brass, brass section, low brass, brass ensemble, trumpets, trombones, "
        "fanfare, blechbläser, cuivres, ottoni, metales",
        "warm_pad": "pad, warm pad, synth pad, synths, synth, synthesizer, synthesiser, "
        "analog synth, "
        "analogue synth, synthesizers, electronics, electronic",
        "glass_pad": "glass pad, glass harmonica, glassy pad, glass, crystal pad",
        "synth_lead": "synth lead, lead synth",
        "pulse_bass": "pulse bass, synth bass, bass synth, pulsing bass, bass pulse",
        "sub_bass": "sub bass, sub, subs",
        "drone": "drone, drones, bordun",
        "shimmer": "shimmer, shimmers",
        "noise_swell": "noise swell, noise, swells",
    }
)
"""An instrument in composing.sound's table to what people call it."""

STAND_INS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "harp": (
            "guitar, acoustic guitar, gitarre, guitare, chitarra, guitarra, lute, sitar, "
            "kora, banjo, mandolin, ukulele",
            "harp",
        ),
        "brass_ensemble": ("trumpet, trombone, tuba, trompete, trompette, tromba, cornet", "brass"),
        "clarinet": (
            "oboe, bassoon, saxophone, sax, cor anglais, english horn, duduk, woodwind, "
            "woodwinds, holzbläser",
            "clarinet",
        ),
        "flute": (
            "piccolo, recorder, whistle, tin whistle, ocarina, shakuhachi, pan flute",
            "flute",
        ),
        "felt_piano": ("harpsichord, rhodes, electric piano, wurlitzer, cimbalom", "felt piano"),
        "warm_pad": ("organ, church organ, orgel, orgue, organo, accordion, harmonium", "warm pad"),
        "celesta": ("vibraphone, vibes, xylophone, marimba, kalimba, tubular bells", "celesta"),
        "synth_lead": ("electric guitar, distorted guitar, theremin", "synth lead"),
    }
)
"""What plays in place of instruments the composer lacks: (their names, its own name in words)."""

FAMILIES: Mapping[str, tuple[str, tuple[str, ...]]] = MappingProxyType(
    {
        "orchestra": (
            "orchestra, orchestral, full orchestra, symphonic, symphony orchestra, orchester",
            ("string_ensemble", "brass_ensemble", "solo_strings", "horn", "flute", "contrabass"),
        ),
        "winds": (
            "winds, wind section",
            ("flute", "clarinet", "horn"),
        ),
        "acoustic": (
            "acoustic, unplugged",
            (
                "felt_piano",
                "string_ensemble",
                "solo_strings",
                "harp",
                "contrabass",
                "flute",
                "clarinet",
                "pizzicato",
            ),
        ),
    }
)
"""A family to its words and its instruments."""

SLOTS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "pads": word_set(
            "string_ensemble brass_ensemble soft_choir warm_pad glass_pad felt_piano harp pizzicato"
        ),
        "figure": frozenset(
            [
                "felt_piano",
                "harp",
                "pizzicato",
                "glass_pad",
                "string_ensemble",
                "pulse_bass",
                "celesta",
            ]
        ),
        "bass": frozenset(["contrabass", "sub_bass", "pulse_bass", "felt_piano"]),
        "melody": word_set(
            "felt_piano solo_strings flute clarinet horn celesta music_box synth_lead harp"
        ),
        "beds": frozenset(["drone", "shimmer", "noise_swell"]),
    }
)
"""The jobs in a texture, and who can do them; string_ensemble sings through solo_strings."""

FALLBACKS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "pads": ("warm_pad", "string_ensemble", "glass_pad", "felt_piano"),
        "figure": ("felt_piano", "harp", "pizzicato", "glass_pad"),
        "bass": ("contrabass", "sub_bass", "pulse_bass"),
        "melody": ("felt_piano", "flute", "solo_strings", "celesta"),
        "beds": ("drone", "shimmer"),
    }
)
"""Who does a job when all whom an idiom names are ruled out, the first first."""

RULED_OUT_WITH: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "string_ensemble": ("solo_strings", "pizzicato", "contrabass"),
        "brass_ensemble": ("horn", "braam"),
        "warm_pad": ("glass_pad", "synth_lead", "pulse_bass", "sub_bass"),
    }
)
"""A word for a whole family rules out its members: "no strings" is no pizzicato either."""

ALONGSIDE: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "string_ensemble": ("solo_strings", "contrabass"),
        "brass_ensemble": ("horn",),
        "warm_pad": ("synth_lead", "sub_bass"),
    }
)
"""Members of a family that its word also calls for: "only strings" may have a solo and basses."""
