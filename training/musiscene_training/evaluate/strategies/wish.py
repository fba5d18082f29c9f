"""What shall be compared, and how: kept beside what was made, for nothing is made of two wishes."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

import msgspec

from musiscene_core.codec import read_json, to_json, write_atomically
from musiscene_core.errors import OutputError, RequestError
from musiscene_core.request import CaptionStrategy, GenerationProfile, LanguageUse
from musiscene_training.evaluate.strategies.scenes import Scene

TAGS = "tags"
"""The strategy of LP-MusicCaps: words made from tags alone."""
KINDS: Mapping[str, CaptionStrategy] = MappingProxyType(
    {
        "msi": "scene_imagination",
        "video": "video",
        "music": "music",
        "fusion": "fusion",
        "herrmann": "music_conditions",
    }
)
"""The caption that a strategy takes, by what the user calls it, in the order of the paper."""
STRATEGIES = (*KINDS, TAGS)
WISH_FILE = "wish.json"


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """What is wanted of every scene.

    Attributes:
        strategies: names in the order of the tables.
        engine: who makes the music; empty for captions alone.
        model: which of its models; empty for the one it takes unasked.
        captioner: who listens.
        language: who writes fusion and music conditions.
        profile: how freely the captioner chooses its words.
        seed: of words and music, the same for every strategy.
    """

    strategies: tuple[str, ...] = tuple(KINDS)
    engine: str = "composer"
    model: str = ""
    captioner: str = "nano"
    language: LanguageUse = "auto"
    profile: GenerationProfile = "steady"
    seed: int = 0


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """A wish at work in a folder.

    Attributes:
        wish: what is wanted.
        run: names the folder's jobs to the daemon, so that one at work is found again.
        scenes: the scenes' digests by their names.
    """

    wish: Wish
    run: str
    scenes: dict[str, str]
    schema_version: int = 1


def begin(output: Path, wish: Wish, scenes: Sequence[Scene]) -> Kept:
    """Begin in a new folder, or go on in one where the same was begun.

    Raises:
        OutputError: something else lies there, or it cannot be written.
        RequestError: something else is wanted now, or a scene was changed.
        InputError: what was kept there is damaged.
    """
    path = output / WISH_FILE
    digests = {scene.name: scene.digest for scene in scenes}
    if path.is_file():
        before = read_json(path, Kept)
        differs = [
            name
            for name in Wish.__struct_fields__
            if name != "strategies" and getattr(before.wish, name) != getattr(wish, name)
        ]
        if differs:
            name = differs[0]
            raise RequestError(
                f"{output} was begun with {name} {getattr(before.wish, name)!r},"
                f" not {getattr(wish, name)!r}.",
                hint="Go on with what it was begun with, or name a new folder with --output.",
            )
        for name, known in before.scenes.items():
            if digests.get(name, known) != known:
                raise RequestError(
                    f"The scene {name} is not the one that {output} was begun with.",
                    hint="Put it back, or name a new folder with --output.",
                )
        kept = msgspec.structs.replace(before, wish=wish, scenes=before.scenes | digests)
    else:
        try:
            if output.exists() and (not output.is_dir() or any(output.iterdir())):
                raise OutputError(
                    f"{output} is there already, and no comparison was begun in it.",
                    hint="Name a new folder with --output.",
                )
        except OSError as error:
            raise OutputError.from_os(error, output) from error
        kept = Kept(wish=wish, run=uuid.uuid4().hex, scenes=digests)
    write_atomically(path, to_json(kept))
    return kept
