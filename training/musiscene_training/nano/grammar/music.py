"""How music is put into words, as data: words for its attributes, and sentences to set them in."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from musiscene_core.captioning import prompts
from musiscene_training.nano.truth import Traits

Words = Mapping[str, tuple[str, ...]]

TEMPO_WORDS: Words = MappingProxyType(
    {
        "slow": ("slow", "unhurried", "leisurely"),
        "moderate": ("moderate", "steady", "medium"),
        "fast": ("fast", "quick", "rapid"),
    }
)
ENERGY_WORDS: Words = MappingProxyType(
    {
        "low": ("soft and sparse", "restrained", "gentle in energy"),
        "medium": ("moving along evenly", "balanced in energy", "moderately dense"),
        "high": ("energetic and dense", "full of energy", "intense and busy"),
    }
)
DRUM_WORDS: Words = MappingProxyType(
    {
        "none": ("no drums", "no percussion at all"),
        "light": ("light percussion", "a soft beat", "sparse drums"),
        "driving": ("driving drums", "a strong beat", "pounding percussion"),
    }
)
PLAYER_WORDS: Words = MappingProxyType(
    {
        "piano": ("piano", "a soft piano"),
        "strings": ("strings", "a string ensemble"),
        "violin": ("a solo violin", "a lyrical solo string"),
        "brass": ("brass", "horns and low brass"),
        "choir": ("a choir", "wordless voices"),
        "synth": ("synthesizers", "synth pads"),
        "plucked": ("plucked strings", "harp and pizzicato"),
        "bells": ("bells", "celesta and bells"),
        "winds": ("woodwinds", "flute and clarinet"),
    }
)
NOBODY = "a few quiet sounds"
"""What is said to play where no player is told apart."""
GENRES = (
    "ambient electronic music",
    "electronic music",
    "epic orchestral film music",
    "hybrid trailer music",
    "light chamber music",
    "orchestral film music",
    "piano music",
)

FRAMES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        prompts.DESCRIBE: (
            "The music is {mood} and {other}, with a {tempo} tempo and {drums}. "
            "It is {energy}, played by {players} in a {mode} key.",
            "The music has {a_mood} mood, with a {tempo} tempo in a {mode} key. "
            "It features {players} with {drums}, and is {energy}.",
            "This is {a_mood} piece in a {mode} key with a {tempo} tempo. "
            "It is {energy}, and {players} can be heard with {drums}.",
            "In a {mode} key and at a {tempo} tempo, {players} create {a_mood} and {other} "
            "atmosphere with {drums}.",
        ),
        prompts.MOOD: (
            "The mood of the music is {mood} and {other}.",
            "The music feels {mood} and {other}, and is {energy}.",
            "It is {mood} music with {a_other} feeling.",
        ),
        prompts.INSTRUMENTS: (
            "The music is played by {players}, with {drums}.",
            "It features {players} and {drums}.",
            "The instruments are {players}, with {drums}.",
        ),
        prompts.GENRE: (
            "The genre of the music is {genre}, with {players}.",
            "This is {genre}, with elements of {players}.",
            "It sounds like {genre}.",
        ),
        prompts.TEMPO: (
            "The tempo of the music is {tempo}, with {drums}.",
            "The music has a {tempo} tempo.",
            "It moves at a {tempo} tempo with {drums}.",
        ),
    }
)
"""What can be answered to each question about music; the first ones are the usual ones."""


def genre_of(traits: Traits) -> str:
    """The one of GENRES that such a palette, drums and players usually belong to."""
    driven = traits.drums == "driving"
    if traits.palette == "electronic":
        return "electronic music" if driven else "ambient electronic music"
    if traits.palette == "orchestral":
        return "epic orchestral film music" if driven else "orchestral film music"
    if driven:
        return "hybrid trailer music"
    return "piano music" if "piano" in traits.players else "light chamber music"
