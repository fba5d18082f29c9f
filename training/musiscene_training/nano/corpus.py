"""The corpus: cues that our composer wrote and played, each with what is true of it.

A file a cue, `cue-000012.npz`: the dry sound of each role, so that what is heard can be mixed
anew, and every note. Files appear whole, so a build that was killed goes on where it was.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from zipfile import BadZipFile

import msgspec
import numpy as np
import numpy.typing as npt
import scipy.signal

from musiscene_core.codec import write_atomically
from musiscene_core.composing.compose import compose
from musiscene_core.composing.sound.player import TrackPlayer
from musiscene_core.cue import STEM_ROLES, Cue, Part
from musiscene_core.errors import InputError, OutputError
from musiscene_core.progress import Progress, silent
from musiscene_core.timecode import SAMPLE_RATE
from musiscene_training.nano.asks import CUE_S, Split, ask, recast

HEARD_HZ = 16_000
"""Sample rate of the corpus, and of all that the captioner hears."""
_FULL = 32_000
_BLOCK = 1 << 16

Floats = npt.NDArray[np.float32]


class Sounding(msgspec.Struct, frozen=True, array_like=True):
    """A note as it is heard: seconds from the cue's beginning, MIDI pitch, velocity 1 to 127."""

    start_s: float
    end_s: float
    pitch: int
    velocity: int


class Line(msgspec.Struct, frozen=True):
    """What one instrument plays."""

    role: str
    instrument: str
    notes: tuple[Sounding, ...]


class Facts(msgspec.Struct, frozen=True):
    """What is true of a cue.

    Attributes:
        number: its number in the corpus.
        split: what it is for.
        idiom: what it was written in.
        tonic: pitch class from C = 0.
        mode: "major" or "minor".
        scale: name of its scale.
        beats_per_bar: its metre.
        beats_s: when each beat falls.
        lines: who plays what.
    """

    number: int
    split: Split
    idiom: str
    tonic: int
    mode: str
    scale: str
    beats_per_bar: int
    beats_s: tuple[float, ...]
    lines: tuple[Line, ...]


def cue_file(folder: Path, number: int) -> Path:
    """Where cue `number` lies."""
    return folder / f"cue-{number:06d}.npz"


def build(
    folder: Path, numbers: Sequence[int], seed: int, progress: Progress = silent
) -> tuple[int, ...]:
    """Write the cues that are not there yet; returns their numbers.

    Args:
        folder: made where it is not there.
        numbers: of the cues, in the order in which to make them.
        seed: of the whole corpus.
        progress: hears of each cue; may raise to stop between two.

    Raises:
        OutputError: `folder` cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError.from_os(error, folder) from error
    made = []
    for place, number in enumerate(numbers):
        progress("Playing the corpus", place / len(numbers))
        path = cue_file(folder, number)
        if not path.exists():
            write_atomically(path, _cue_bytes(number, seed))
            made.append(number)
    return tuple(made)


def read_cue(path: Path) -> tuple[Facts, dict[str, Floats]]:
    """A cue's facts and the dry sound [n] of each role that has any, at HEARD_HZ.

    Raises:
        InputError: the file is damaged.
    """
    try:
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as held:
            facts = msgspec.json.decode(held["facts"].tobytes(), type=Facts)
            stems = {
                name: held[name].astype(np.float32) * held["scale"]
                for name in held.files
                if name in STEM_ROLES
            }
    except (OSError, ValueError, KeyError, EOFError, BadZipFile, msgspec.MsgspecError) as error:
        raise InputError(
            f"{path} is no cue of the corpus.", hint="Delete it; the next build makes it anew."
        ) from error
    return facts, stems


def _cue_bytes(number: int, seed: int) -> bytes:
    asked = ask(number, seed)
    cue = compose(asked.request, asked.request.seed)
    parts = recast(cue, number, seed)
    stems = {
        role: _played([part for part in parts if part.role == role], cue, number)
        for role in STEM_ROLES
    }
    loudest = max(float(np.abs(stem).max(initial=0.0)) for stem in stems.values())
    scale = max(loudest, 1e-9) / _FULL
    packed = {
        role: np.round(stem / scale).astype(np.int16) for role, stem in stems.items() if stem.any()
    }
    facts = msgspec.json.encode(_facts(number, asked.split, cue, parts))
    file = io.BytesIO()
    np.savez(file, facts=np.frombuffer(facts, dtype=np.uint8), scale=np.float32(scale), **packed)
    return file.getvalue()


def _played(parts: Sequence[Part], cue: Cue, seed: int) -> Floats:
    """The parts dry, as one channel [n] at HEARD_HZ."""
    if not parts:
        return np.zeros(CUE_S * HEARD_HZ, dtype=np.float32)
    player = TrackPlayer(parts, cue.tempo, CUE_S * SAMPLE_RATE, seed)
    whole = np.concatenate([block.mean(axis=0) for block in player.blocks(_BLOCK, lambda _: None)])
    lower: Floats = scipy.signal.resample_poly(whole, 1, SAMPLE_RATE // HEARD_HZ)
    return lower.astype(np.float32)


def _facts(number: int, split: Split, cue: Cue, parts: Sequence[Part]) -> Facts:
    seconds = cue.tempo.seconds
    beats = []
    beat = 0
    while (at := seconds(beat)) < cue.length_s:
        beats.append(round(at, 4))
        beat += 1
    return Facts(
        number=number,
        split=split,
        idiom=cue.idiom,
        tonic=cue.tonic,
        mode=cue.mode,
        scale=cue.scale,
        beats_per_bar=cue.tempo.beats_per_bar,
        beats_s=tuple(beats),
        lines=tuple(
            Line(
                part.role,
                part.instrument,
                tuple(
                    Sounding(
                        round(seconds(note.start), 4),
                        round(seconds(note.start + note.length), 4),
                        note.pitch,
                        note.velocity,
                    )
                    for note in part.notes
                ),
            )
            for part in parts
        ),
    )
