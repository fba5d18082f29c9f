"""Where feelings lie, and the words people have for them.

Each of Cowen's 13 dimensions (Cowen et al. 2020, as named in brief.DIMENSIONS) has a place in the
plane of valence (unpleasant to pleasant) and arousal (calm to excited), each -1 to 1. WORDS says
in which dimensions a plain English word lies. Knows no grammar.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

PLACES: Mapping[str, tuple[float, float]] = MappingProxyType(
    {
        "amusing": (0.6, 0.35),
        "annoying": (-0.5, 0.45),
        "anxious": (-0.45, 0.35),
        "beautiful": (0.6, -0.35),
        "calm": (0.35, -0.75),
        "dreamy": (0.2, -0.55),
        "energising": (0.45, 0.8),
        "erotic": (0.4, -0.1),
        "indignant": (-0.5, 0.65),
        "joyful": (0.8, 0.5),
        "sad": (-0.6, -0.5),
        "scary": (-0.75, 0.55),
        "triumphant": (0.6, 0.6),
    }
)
"""Dimension to (valence, arousal)."""

_SYNONYMS = {
    "amusing": "amusing funny comic comedy comical playful quirky whimsical light silly "
    "mischievous humorous cheeky",
    "annoying": "annoying irritating restless nagging grating",
    "anxious": "anxious tense tension uneasy nervous suspense suspenseful worried fearful ominous "
    "foreboding brooding mysterious mystery urgent stressful",
    "beautiful": "beautiful lyrical warm tender romantic love loving touching graceful elegant "
    "hopeful hope gentle intimate lush",
    "calm": "calm peaceful peace quiet serene relaxed relaxing still soothing spacious ambient "
    "soft neutral restful",
    "dreamy": "dreamy dreamlike floating ethereal magical magic wonder mystical otherworldly hazy "
    "awe surreal",
    "energising": "energising energizing energetic driving action fast exciting excited "
    "exhilarating intense chase powerful frantic adventurous adventure relentless",
    "erotic": "erotic sensuous sensual seductive sultry",
    "indignant": "indignant defiant angry anger aggressive furious rage hard rebellious violent "
    "bitter",
    "joyful": "joyful joy happy cheerful bright merry uplifting festive carefree optimistic sunny "
    "celebratory delighted",
    "sad": "sad sorrowful mournful melancholy melancholic grief grieving lonely wistful tragic "
    "gloomy nostalgic bittersweet sombre somber bleak longing heartbroken",
    "scary": "scary frightening dark horror terrifying threatening menacing sinister eerie creepy "
    "dread terror evil haunting chilling",
    "triumphant": "triumphant triumph heroic victorious victory epic broad majestic grand glorious "
    "proud noble inspiring resolute",
}

WORDS: Mapping[str, str] = MappingProxyType(
    {word: dimension for dimension, words in _SYNONYMS.items() for word in words.split()}
)
"""A word in lower case to the dimension it means."""
