"""Sounds to be evaluated: files in a folder, or takes, found by name and read window by window."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
import numpy.typing as npt

from musiscene_core.captioning.checked import checked
from musiscene_core.codec import read_json
from musiscene_core.errors import InputError
from musiscene_core.media import iter_audio, probe
from musiscene_core.take import Take

Floats = npt.NDArray[np.float32]
ENDINGS = (
    ".wav",
    ".flac",
    ".mp3",
    ".ogg",
    ".opus",
    ".m4a",
    ".aac",
    ".aif",
    ".aiff",
    ".mp4",
    ".mov",
)
TAKE_FILE = "take.json"


@dataclass(frozen=True)
class Clip:
    """A sound.

    Attributes:
        name: its file's without the ending, or its take's folder.
        path: what to listen to.
        folder: the take's; None for a plain file.
    """

    name: str
    path: Path
    folder: Path | None = None


def clips_in(folder: Path) -> dict[str, Clip]:
    """The sounds of a folder by name: its own files, and the mixes of takes in folders of it.

    A folder with one take, `NAME/take-1/take.json`, counts as NAME.

    Raises:
        InputError: no such folder, nothing in it, a take is damaged, or two have one name.
    """
    try:
        entries = sorted(folder.iterdir())
    except OSError as error:
        raise InputError(
            f"{folder} cannot be read: {error.strerror}.", hint="Name a folder with sounds."
        ) from error
    found: dict[str, Clip] = {}
    for entry in entries:
        clip = _clip(entry)
        if clip is None:
            continue
        if clip.name in found:
            raise InputError(
                f"{folder} has two sounds named {clip.name}:"
                f" {found[clip.name].path.name} and {clip.path.name}.",
                hint="Rename one, or take it away.",
            )
        found[clip.name] = clip
    if not found:
        raise InputError(
            f"There are no sounds in {folder}.",
            hint=f"It needs files such as .wav, or folders with {TAKE_FILE}.",
        )
    return found


def pairs(reference: Mapping[str, Clip], made: Mapping[str, Clip]) -> list[str]:
    """Names that both have, in order."""
    return [name for name in made if name in reference]


def windows_of(clip: Clip, rate: int, window: int, hop: int) -> Iterator[Floats]:
    """A sound in windows [window], every `hop` samples; a short one is one shorter window.

    Where half a window or more is left at the end, one more ends with the sound.

    Raises:
        MediaError: unreadable, silent, no numbers, or shorter than 0.1 s.
    """
    length = probe(clip.path).duration
    blocks = iter_audio(clip.path, Fraction(0), length, sample_rate=rate, block=hop)
    kept = last = np.zeros(0, np.float32)
    new = 0
    for block in checked((one[0] for one in blocks), clip.path.name, rate):
        kept = np.concatenate([kept, block])
        new += len(block)
        while len(kept) >= window:
            last, new = kept[:window], len(kept) - window
            yield last
            kept = kept[hop:]
    if not len(last):
        yield kept
    elif 2 * new >= window:
        yield np.concatenate([last, kept[len(kept) - new :]])[-window:]


def _clip(entry: Path) -> Clip | None:
    if entry.is_file():
        known = entry.suffix.lower() in ENDINGS and not entry.name.startswith(".")
        return Clip(entry.stem, entry) if known else None
    takes = [entry] if (entry / TAKE_FILE).is_file() else _takes_in(entry)
    if len(takes) != 1:
        return None
    take = read_json(takes[0] / TAKE_FILE, Take)
    if Path(take.mix).is_absolute() or ".." in Path(take.mix).parts:
        raise InputError(
            f"{takes[0] / TAKE_FILE} names a mix that lies elsewhere.", hint="Leave this take out."
        )
    return Clip(entry.name, takes[0] / take.mix, takes[0])


def _takes_in(folder: Path) -> list[Path]:
    return sorted(path.parent for path in folder.glob(f"*/{TAKE_FILE}"))
