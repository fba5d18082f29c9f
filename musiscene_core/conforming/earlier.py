"""A take that was made before its film changed, as what comes after it is made from.

Knows which files a take's folder has, and nothing of how music is written or joined.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from musiscene_core.codec import read_json
from musiscene_core.conforming.film import KeptFilm, kept_film
from musiscene_core.errors import InputError, OutputError
from musiscene_core.request import ScoreRequest
from musiscene_core.take import Take
from musiscene_core.timeline import TimelineRange

TAKE_FILE = "take.json"
REQUEST_FILE = "request.json"


@dataclass(frozen=True)
class EarlierTake:
    """An earlier take, and what of its film is kept.

    Attributes:
        folder: where its files are.
        take: what it says of itself.
        request: what it was made from.
        film: what the new range still shows of the old one.
        digest: SHA-256 of its take.json.
    """

    folder: Path
    take: Take
    request: ScoreRequest
    film: tuple[KeptFilm, ...]
    digest: str

    @property
    def files(self) -> dict[str, Path]:
        """Its stems by name, as far as they lie in its folder."""
        found = {Path(stem.path).stem: self.inside(stem.path) for stem in self.take.stems}
        return {name: path for name, path in found.items() if path is not None}

    def inside(self, name: str) -> Path | None:
        """The file of that name in its folder; None where it is no file there."""
        path = (self.folder / name).resolve()
        return path if path.is_relative_to(self.folder.resolve()) and path.is_file() else None


def read_earlier(
    folder: Path, timeline: TimelineRange, request: ScoreRequest | None = None
) -> EarlierTake | None:
    """The take in `folder` as it stands to `timeline`, the range now; None where it is not whole.

    `request` is what it was made from, where that is known.
    """
    try:
        take = read_json(folder / TAKE_FILE, Take)
        request = request or read_json(folder / REQUEST_FILE, ScoreRequest)
        name = hashlib.sha256((folder / TAKE_FILE).read_bytes()).hexdigest()
    except (InputError, OutputError, OSError):
        return None
    old = request.brief.timeline
    if old.record.length != take.record.length or old.rate.fps != take.rate.fps:
        return None
    return EarlierTake(folder, take, request, kept_film(old, timeline), name)
