"""Examples: what the encoder is shown of stretches of cues, with what is true of each.

A file a cue, `examples-000012.npz`, written whole, so a build that was killed goes on.
"""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import msgspec
import numpy as np
import numpy.typing as npt

from musiscene_core.captioning.nano.features import TUNINGS, WINDOW, WINDOW_S, Views, views
from musiscene_core.codec import write_atomically
from musiscene_core.errors import InputError, OutputError
from musiscene_core.progress import Progress, silent
from musiscene_training.nano.asks import CUE_S
from musiscene_training.nano.augment import augmented, plain
from musiscene_training.nano.corpus import HEARD_HZ, cue_file, read_cue
from musiscene_training.nano.truth import Traits, traits

_PLAIN = 1
"""Of a cue's examples, so many are plain; the others came another way."""
_SPARE_S = 1.0
"""Seconds that a stretch may take more than a window, where it is played faster."""


class Label(msgspec.Struct, frozen=True):
    """What is true of an example.

    Attributes:
        cue: number of its cue.
        split: of its cue.
        idiom: of its cue.
        plain: whether nothing happened to the sound on its way.
        traits: its attributes.
        tonic: the pitch class of its tonic on the pitch view, from C = 0.
    """

    cue: int
    split: str
    idiom: str
    plain: bool
    traits: Traits
    tonic: int


@dataclass(frozen=True)
class Examples:
    """Many examples.

    Attributes:
        colour: [n, COLOUR_FRAMES, BANDS] float16.
        pulse: [n, PULSE_VIEWS, TEMPI] float16.
        pitch: [n, PITCH_FRAMES, PITCH_VIEWS, 12] float16.
        onsets: [n, PULSE_VIEWS - 1, ONSET_FIGURES] float16.
        labels: one an example.
    """

    colour: npt.NDArray[np.float16]
    pulse: npt.NDArray[np.float16]
    pitch: npt.NDArray[np.float16]
    onsets: npt.NDArray[np.float16]
    labels: tuple[Label, ...]

    @property
    def traits(self) -> tuple[Traits, ...]:
        """What is true of each."""
        return tuple(label.traits for label in self.labels)

    def where(self, keep: Sequence[bool] | npt.NDArray[np.bool_]) -> Examples:
        """Those for which `keep` is true."""
        chosen = np.flatnonzero(np.asarray(keep))
        return Examples(
            self.colour[chosen],
            self.pulse[chosen],
            self.pitch[chosen],
            self.onsets[chosen],
            tuple(self.labels[place] for place in chosen),
        )

    def __len__(self) -> int:
        return len(self.labels)


def build(
    folder: Path,
    corpus: Path,
    numbers: Sequence[int],
    seed: int,
    *,
    of_each: int = 7,
    progress: Progress = silent,
) -> tuple[int, ...]:
    """Write the examples of the cues that have none yet; returns their numbers.

    Args:
        folder: made where it is not there.
        corpus: where the cues lie.
        numbers: of the cues.
        seed: of everything that happens to sound on its way.
        of_each: examples of one cue.
        progress: hears of each cue; may raise to stop between two.

    Raises:
        InputError: a cue is missing or damaged.
        OutputError: `folder` cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError.from_os(error, folder) from error
    made = []
    for place, number in enumerate(numbers):
        progress("Listening to the corpus", place / len(numbers))
        path = _file(folder, number)
        if not path.exists():
            write_atomically(path, _bytes(cue_file(corpus, number), seed, of_each))
            made.append(number)
    return tuple(made)


def read(folder: Path, numbers: Sequence[int]) -> Examples:
    """All the examples of these cues.

    Raises:
        InputError: a file is missing or damaged.
    """
    parts: list[list[npt.NDArray[np.float16]]] = [[] for _ in Views._fields]
    labels: list[Label] = []
    for number in numbers:
        path = _file(folder, number)
        try:
            with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as held:
                for part, name in zip(parts, Views._fields, strict=True):
                    part.append(held[name])
                labels += msgspec.json.decode(held["labels"].tobytes(), type=list[Label])
        except (OSError, ValueError, KeyError, EOFError, BadZipFile, msgspec.MsgspecError) as error:
            raise InputError(
                f"{path} holds no examples.", hint="Delete it; the next build makes it anew."
            ) from error
    return Examples(*(np.concatenate(part) for part in parts), tuple(labels))


def semitones_moved(speed: float) -> int:
    """By how many semitones the pitch view shows music of this speed higher than written.

    The view takes the tuning between its first and its last that fits best, and so rounds.
    """
    middle = (TUNINGS[0] + TUNINGS[-1]) / 2
    return round(12 * math.log2(speed) - middle)


def _file(folder: Path, number: int) -> Path:
    return folder / f"examples-{number:06d}.npz"


def _bytes(cue: Path, seed: int, of_each: int) -> bytes:
    facts, stems = read_cue(cue)
    seen, labels = [], []
    for nth in range(of_each):
        random = np.random.default_rng([seed, facts.number, nth, 2])
        latest_s = CUE_S - WINDOW_S - _SPARE_S
        start_s = float(random.uniform(0.0, latest_s))
        way = plain if nth < _PLAIN else augmented
        heard = way(stems, round(start_s * HEARD_HZ), WINDOW, random)
        if not heard.samples.any():
            continue
        seen.append(views(heard.samples))
        end_s = start_s + WINDOW_S * heard.speed
        true = traits(facts, start_s, end_s, heard.roles, heard.speed)
        tonic = (facts.tonic + semitones_moved(heard.speed)) % 12
        labels.append(Label(facts.number, facts.split, facts.idiom, nth < _PLAIN, true, tonic))
    file = io.BytesIO()
    np.savez(
        file,
        labels=np.frombuffer(msgspec.json.encode(labels), dtype=np.uint8),
        **{
            name: np.stack([getattr(one, name) for one in seen]).astype(np.float16)
            for name in Views._fields
        },
    )
    return file.getvalue()
