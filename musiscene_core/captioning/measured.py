"""What was measured of captioners on this machine: whether anything was, and how to forget it."""

from __future__ import annotations

from musiscene_core.errors import OutputError
from musiscene_core.paths import SPEED_FILE, cache_folder

CHOICES_FILE = "captioner-choices.json"
"""In the cache folder: how captioners were held, and how fast they wrote."""


def anything_known() -> bool:
    """Whether a captioner has worked here since all was forgotten."""
    return (cache_folder() / CHOICES_FILE).exists()


def forget() -> None:
    """Forget how captioners were held, and how fast this machine computes: it is measured anew.

    Raises:
        OutputError: a file cannot be deleted.
    """
    for name in (CHOICES_FILE, SPEED_FILE):
        path = cache_folder() / name
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise OutputError.from_os(error, path) from error
