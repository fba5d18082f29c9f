"""What music is made for: any use, or commercial use, on this machine or in a project's folder.

    <data folder>/licence.json             for everything that this machine's daemon makes
    PROJECT/musiscene-project.json         for the timelines and media in PROJECT and below it

The stricter of the two counts, and of what a request says itself. A file that cannot be read
counts as commercial: nothing is made by mistake that may not be sold.
"""

from __future__ import annotations

import logging
from pathlib import Path

import msgspec

from musiscene_core.codec import read_json, to_json, write_atomically
from musiscene_core.errors import InputError, OutputError
from musiscene_core.paths import data_folder
from musiscene_core.request import LicenceNeed

log = logging.getLogger(__name__)

PROJECT_FILE = "musiscene-project.json"
_FILE = "licence.json"


class _Use(msgspec.Struct, frozen=True, kw_only=True):
    licence: LicenceNeed = "any"
    schema_version: int = 1


def use_file(project: Path | None = None) -> Path:
    """Where the setting of this machine, or of a project's folder, is kept."""
    return data_folder() / _FILE if project is None else project / PROJECT_FILE


def intended_use(*near: Path) -> LicenceNeed:
    """What music is made for, by this machine's setting and those of the folders above `near`.

    Args:
        near: timelines, films or sounds; none asks the machine's setting alone.
    """
    places: dict[Path, None] = {}
    for path in near:
        folder = path.absolute()
        places |= dict.fromkeys((folder, *folder.parents))
    files = (use_file(), *(use_file(place) for place in places))
    return "commercial" if any(_reads(path) == "commercial" for path in files) else "any"


def intend(licence: LicenceNeed, project: Path | None = None) -> None:
    """Keep what music is made for from now on; "any" takes the setting away.

    Raises:
        OutputError: it cannot be written.
    """
    path = use_file(project)
    if licence == "commercial":
        write_atomically(path, to_json(_Use(licence=licence)))
        return
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise OutputError.from_os(error, path) from error


def _reads(path: Path) -> LicenceNeed:
    if not path.is_file():
        return "any"
    try:
        return read_json(path, _Use).licence
    except InputError as error:
        log.warning("%s cannot be read, so only what may be sold is made", error.message)
        return "commercial"
