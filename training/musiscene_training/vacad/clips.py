"""A clip: a piece of music and the picture that it lies under, before anything is said of them."""

from __future__ import annotations

import hashlib
import re
from typing import Annotated

import msgspec

_SAFE = re.compile(r"[A-Za-z0-9_-]{1,80}")


class Stretch(msgspec.Struct, frozen=True, kw_only=True):
    """A part of a media file.

    Attributes:
        path: absolute.
        start_s: file time in seconds.
        end_s: file time in seconds; None for the file's end.
    """

    path: Annotated[str, msgspec.Meta(min_length=1)]
    start_s: Annotated[float, msgspec.Meta(ge=0)] = 0.0
    end_s: float | None = None

    @property
    def is_whole(self) -> bool:
        """Whether it is all of the file."""
        return self.start_s == 0 and self.end_s is None


class Clip(msgspec.Struct, frozen=True, kw_only=True):
    """A clip that was chosen.

    Attributes:
        id: unlike any other clip's.
        source: what it was cut from, such as a video's id or a film: never on both sides of the
            split.
        sound: the music; None for a clip that must be fetched first.
        pictures: what is seen with it, in order; empty for the picture in the sound's own file.
        start_s: where a clip that must be fetched begins in its source, in seconds.
        end_s: where it ends there.
        labels: what the collection it comes from says is in it.
        licence: what it may be used for, in its makers' words.
        seen: what the picture shows, where somebody wrote it already.
        heard: what the music sounds like, likewise.
        scene: which scene the music suits, likewise.
    """

    id: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    source: str
    sound: Stretch | None = None
    pictures: tuple[Stretch, ...] = ()
    start_s: float = 0.0
    end_s: float = 0.0
    labels: tuple[str, ...] = ()
    licence: str = ""
    seen: str = ""
    heard: str = ""
    scene: str = ""

    @property
    def key(self) -> str:
        """The id as a file's name, and as a key in a tar, where a dot ends it."""
        if _SAFE.fullmatch(self.id):
            return self.id
        known = hashlib.sha256(self.id.encode()).hexdigest()[:12]
        return re.sub(r"[^A-Za-z0-9_-]+", "_", self.id)[:60] + f"-{known}"


class Measure(msgspec.Struct, frozen=True, kw_only=True):
    """A figure that was measured."""

    name: str
    value: float


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What a stage made of a clip.

    Attributes:
        id: of the clip.
        value: a text, or the path of a file; empty where there is a problem.
        problem: why there is no value, in a sentence or two.
        writer: who wrote the text.
        notes: what else a reader must know of it.
        measures: figures of the sound.
    """

    id: str
    value: str = ""
    problem: str = ""
    writer: str = ""
    notes: tuple[str, ...] = ()
    measures: tuple[Measure, ...] = ()


class Work(msgspec.Struct, frozen=True, kw_only=True):
    """A clip as a stage gets it.

    Attributes:
        clip: as it was chosen.
        done: what the stages before made of it, by their names; none has a problem.
    """

    clip: Clip
    done: dict[str, Outcome]

    def text(self, stage: str) -> str:
        """What a stage before made of it."""
        return self.done[stage].value
