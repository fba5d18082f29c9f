"""The words the composer understands, but for instruments and feelings: tables of synonyms.

Each table maps what is meant to the words for it, separated by commas; a phrase counts as one word
and the longest one wins. Words are compared without case and accents. Knows no grammar.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

TEMPI: Mapping[str, tuple[str, float, float]] = MappingProxyType(
    {
        "very slow": (
            "very slow, largo, larghissimo, grave, lento, glacial, sehr langsam, "
            "très lent, larghetto",
            44,
            60,
        ),
        "slow": ("slow, slowly, adagio, langsam, lent, lentement, slow tempo, adagietto", 54, 76),
        "walking": ("andante, andantino, walking pace, ruhig, gehend", 72, 96),
        "medium": (
            "moderato, medium tempo, mid tempo, midtempo, moderate, moderate tempo, mäßig, "
            "modéré, moderado, mässig",
            90,
            112,
        ),
        "fast": (
            "fast, allegro, allegretto, quick, quickly, brisk, uptempo, up tempo, schnell, vite, "
            "rapide, rápido, veloce, rasch, fast tempo",
            116,
            150,
        ),
        "very fast": (
            "very fast, presto, vivace, prestissimo, breakneck, vivo, sehr schnell, très vite",
            144,
            176,
        ),
    }
)
"""What a word for a tempo means: its synonyms, and beats a minute from and to."""

PACES: Mapping[float, str] = MappingProxyType(
    {
        1.15: "faster, quicker, a bit faster, più mosso, schneller, plus vite",
        0.87: "slower, a bit slower, meno mosso, langsamer, plus lent",
    }
)
"""Changes of the tempo that the scene would have."""

MODES: Mapping[str, str] = MappingProxyType(
    {
        "major": "major, maj, dur, majeur, maggiore, mayor, major key",
        "minor": "minor, min, moll, mineur, minore, menor, minor key",
    }
)
SCALE_WORDS: Mapping[str, str] = MappingProxyType(
    {
        "ionian": "ionian, ionisch",
        "lydian": "lydian, lydisch, lydien",
        "mixolydian": "mixolydian, mixolydisch, mixolydien",
        "dorian": "dorian, dorisch, dorien",
        "aeolian": "aeolian, eolian, natural minor, äolisch",
        "harmonic_minor": "harmonic minor",
        "phrygian": "phrygian, phrygisch, phrygien",
    }
)
"""Scales by the names in composing.scales."""

METRES: Mapping[int, str] = MappingProxyType(
    {
        3: "waltz, walzer, valse, waltz time, in three, triple time, triple metre, triple meter, "
        "three four, dreivierteltakt",
        4: "in four, common time, four four, viervierteltakt, four on the floor",
    }
)
"""Beats a bar."""

IDIOM_WORDS: Mapping[str, str] = MappingProxyType(
    {
        "tension pulse": "tension pulse, thriller, pulse, pulsing, ticking, ticking clock, "
        "investigation, heist, spy, crime, procedural",
        "ambient pad": "ambient pad, ambient, soundscape, new age, underwater",
        "intimate piano": "intimate piano, neoclassical, neo classical, chamber, "
        "solo piano piece, "
        "ballad, romance, love theme",
        "string drama": "string drama, drama, dramatic, period drama, elegy",
        "heroic": "heroic, hero theme, adventure, swashbuckling, superhero, fantasy adventure",
        "comedy pizzicato": "comedy pizzicato, comedy, slapstick, cartoon, sitcom, sneaky, caper",
        "action ostinato": "action ostinato, action, chase, chase music, battle, fight, combat, "
        "war, race, pursuit",
        "horror cluster": "horror cluster, horror, cluster, clusters, jump scare, slasher, ghost "
        "story",
        "wonder": "wonder, fairytale, fairy tale, fantasy, magic, space, discovery",
        "melancholy": "melancholy, lament, funeral, requiem",
        "hybrid trailer": "hybrid trailer, trailer, hybrid, epic trailer, blockbuster, "
        "sound design",
        "documentary neutral": "documentary neutral, documentary, corporate, nature documentary, "
        "explainer, neutral bed, news, underscore, technology",
        "uplift": "uplift, feel good, feelgood, advert, commercial, inspirational, pop",
    }
)
"""Idioms, and the genres that are written in them."""

ROLE_WORDS: Mapping[str, str] = MappingProxyType(
    {
        "percussion": "percussion, drums, drum, drumming, beat, beats, rhythm section, perc, "
        "kick, hats, taiko, taikos, toms, snare, cymbals, timpani, shakers, shaker, schlagzeug, "
        "schlagwerk, trommeln, percussions, batterie, percussioni, batteria, percusión, batería",
        "bass": "bass, bassline, bass line, low end, basse, basso, bajo",
        "melody": "melody, melodies, tune, theme, lead line, lead melody, topline, top line, "
        "motif, hook, "
        "melodie, mélodie, melodia, melodía, melodic",
        "harmony": "harmony, harmonies, chords, chord, pads, accompaniment, akkorde, accords, "
        "accordi, acordes, arpeggio, arpeggios, ostinato, ostinati",
        "texture": "texture, textures, effects, fx, sfx, atmosphere, atmospheres, risers, riser, "
        "booms, boom, braams, braam, whooshes, impacts",
    }
)
"""Stems."""

DENSITIES: Mapping[str, tuple[str, float]] = MappingProxyType(
    {
        "bare": ("bare, barely there, skeletal, very sparse, almost nothing, single notes", 0.3),
        "sparse": (
            "sparse, sparsely, minimal, minimalist, minimalistic, thin, thinner, empty, simple, "
            "understated, restrained, stripped back, stripped down, few notes, spare, "
            "karg, spärlich, épuré, scarno, airy, uncluttered, subtle, subtly",
            0.5,
        ),
        "full": (
            "full, fuller, lush, rich, thick, dense, dicht, voll, plein, pieno, denso, layered",
            1.35,
        ),
        "busy": ("busy, very dense, frenetic, hectic, wall of sound, maximal, massive", 1.6),
    }
)
"""How full: synonyms, and a factor on what would be played."""

DYNAMICS: Mapping[str, str] = MappingProxyType(
    {
        "quiet": "quiet, quietly, soft, softly, hushed, pp, mp, pianissimo, delicate, "
        "gently, gentle, leise, doux, dolce, sotto voce, whisper, whispered, low volume",
        "loud": "loud, loudly, forte, fortissimo, ff, mf, big, huge, full volume, laut, fort, "
        "bombastic, thunderous, powerful",
        "grow": "build, builds, building, build up, crescendo, crescendos, cresc, grow, grows, "
        "growing, swelling, rising, rise, rises, gets louder, getting louder, louder, get louder, "
        "steigernd, intensify, intensifies, intensifying, escalating, escalate, gets bigger",
        "fade": "fade, fades, fading, fade out, fades out, diminuendo, decrescendo, dim, "
        "gets quieter, getting quieter, quieter, softer, gets softer, die away, dies away, "
        "dying away, "
        "morendo, smorzando, calando, ausblenden",
        "start quiet": "starts quiet, start quiet, starts quietly, start quietly, starts soft, "
        "starts softly, begins quietly, begin quietly, quiet start, quiet opening, fade in, "
        "fades in, "
        "quiet beginning, starts small",
        "end quiet": "ends quiet, ends quietly, end quietly, ends softly, quiet ending, "
        "soft ending",
        "end loud": "big finish, big ending, ends loud, loud ending, big finale, grand finale",
    }
)
"""How loud, over the stretch it is asked for."""

REGISTERS: Mapping[str, str] = MappingProxyType(
    {
        "low": "low, lower, deep, low register, tief, grave register, bas, profondo",
        "high": "high, higher, high register, hoch, aigu, acuto, sparkling, airy high",
    }
)

ARTICULATIONS: Mapping[str, tuple[str, float]] = MappingProxyType(
    {
        "staccato": (
            "staccato, stacc, short notes, spiccato, staccatissimo, detached, clipped, "
            "choppy, kurz, percussive",
            0.45,
        ),
        "legato": (
            "legato, sustained, sustain, smooth, flowing, connected, held notes, long notes, "
            "tenuto, gebunden, lié, held",
            1.3,
        ),
    }
)
"""How notes are held: synonyms, and a factor on their lengths."""

SILENCES = (
    "silence, silent, no music, tacet, stille, music out, music drops out, drops out, cut to "
    "silence, dead silence, silenzio, complete silence"
)
ENDINGS: Mapping[str, str] = MappingProxyType(
    {
        "button": "button, hard out, button ending, hard stop, stinger, sting, abrupt ending, "
        "ends "
        "abruptly, sharp ending, final hit, stops dead, hard ending",
        "ring-out": "ring out, rings out, ringing out, let ring, open ending, unresolved ending, "
        "long tail, sustain out, lingering",
    }
)
"""How the cue ends."""

AMOUNTS: Mapping[float, str] = MappingProxyType(
    {
        1.6: "very, extremely, really, deeply, intensely, highly, strongly, molto, assai, "
        "sehr, très",
        0.5: "slightly, a little, a bit, somewhat, mildly, faintly, un poco, poco, etwas, un peu, "
        "touch of, hint of, a touch of, a hint of, fairly, quite, less",
    }
)
"""How much of what follows."""

MOODS_ABROAD: Mapping[str, str] = MappingProxyType(
    {
        "amusing": "giocoso, scherzando, scherzo, lustig, drôle, divertido",
        "anxious": "agitato, misterioso, misterieux, inquieto, gespannt, spannend, tendu, tenso, "
        "unheimlich",
        "beautiful": "cantabile, espressivo, amoroso, grazioso, romantico, schön, beau, innig, "
        "affettuoso",
        "calm": "tranquillo, calmo, sereno, calme, friedlich, tranquille",
        "dreamy": "sognando, träumerisch, rêveur, soñador, sognante",
        "energising": "con brio, con fuoco, con moto, animato, lebhaft, energico, vif",
        "indignant": "furioso, wütend, con forza, feroce, appassionato",
        "joyful": "gioioso, fröhlich, heiter, joyeux, alegre, festivo",
        "sad": "triste, traurig, mesto, doloroso, lacrimoso, dolente, lamentoso, triste et lent, "
        "schwermütig",
        "scary": "bedrohlich, angoissant, terrificante, sinistro, düster",
        "triumphant": "maestoso, grandioso, trionfale, triumphal, heldenhaft, triomphant, pomposo",
    }
)
"""Moods in the languages of scores, besides the English words of musiscene_core.feelings."""
