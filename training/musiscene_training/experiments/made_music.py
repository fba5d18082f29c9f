"""Music made from captions by an engine of the daemon, beside the clips' own: table 3's sounds.

    folder/reference/NAME.wav       the clips' own sound
    folder/KIND/NAME.wav            what the engine made of the caption of that kind

A sound that is there is not made again.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from musiscene_core.errors import InputError, OutputError
from musiscene_core.media import probe, read_audio
from musiscene_core.media.wav import to_int24, write_wav
from musiscene_core.progress import Progress
from musiscene_core.protocol import Client
from musiscene_core.request import MAX_MOOD, ComposeRequest, engine_and_model, frames_of
from musiscene_core.timecode import SAMPLE_RATE
from musiscene_training.dataset import Row, tabled
from musiscene_training.members import media_file

REFERENCE = "reference"
LONGEST_S = 10
"""Of a clip, as AudioSet's are; the made music is as long."""
_OTHERS = ("video", "fusion")
_SHORTEST_S = 1


@dataclass(frozen=True, kw_only=True)
class Making:
    """What shall be made.

    Attributes:
        rows: whose sound is the reference.
        folder: that their paths are relative to.
        texts: captions by kind, then by row.
        engine: of the daemon, or "engine:model".
        seed: of the first sound; each has one of its own.
    """

    rows: Sequence[Row]
    folder: Path
    texts: Mapping[str, Mapping[str, str]]
    engine: str
    seed: int


def other_captions(path: Path) -> dict[str, dict[str, str]]:
    """Captions of the picture and of both by row: `id`, `video`, `fusion`, as a build's table.

    Raises:
        InputError: the file cannot be read, or has neither.
    """
    found: dict[str, dict[str, str]] = {name: {} for name in _OTHERS}
    for _, row in tabled(path):
        for name, texts in found.items():
            text = row.get(name)
            if isinstance(text, str) and text.strip():
                texts[str(row.get("id", "")).strip()] = text.strip()
    there = {name: texts for name, texts in found.items() if texts}
    if not there:
        raise InputError(
            f"{path} has no captions of pictures.", hint="It needs id, and video or fusion."
        )
    return there


def make(making: Making, folder: Path, client: Client, progress: Progress) -> tuple[str, ...]:
    """Have all sounds in `folder`; returns what could not be made, a sentence each.

    Raises:
        DaemonError: the daemon is gone.
        EngineError: there is no such engine, or it cannot work.
        OutputError: no space or no permission; what was made is kept.
    """
    problems: list[str] = []
    names = {row.id: _name(number, row) for number, row in enumerate(making.rows)}
    lengths: dict[str, Fraction] = {}
    for row in making.rows:
        target = folder / REFERENCE / f"{names[row.id]}.wav"
        try:
            lengths[row.id] = _reference(row, making.folder, target)
        except InputError as error:
            problems.append(f"{row.id} has no sound to compare with: {error.message}")
    total = len(making.texts) * len(lengths)
    done = 0
    for kind, texts in making.texts.items():
        for number, row in enumerate(making.rows):
            if row.id not in lengths:
                continue
            progress(f"Music from {kind} captions", done / total)
            done += 1
            text = texts.get(row.id, "")[:MAX_MOOD]
            target = folder / kind / f"{names[row.id]}.wav"
            if not any(letter.isalnum() for letter in text):
                problems.append(f"{row.id} has no {kind} caption.")
            elif not target.exists():
                wanted = _request(text, lengths[row.id], making, making.seed + number)
                ((take, place),) = client.compose(wanted)
                _copied(place / take.mix, target)
    return tuple(problems)


def _request(text: str, length_s: Fraction, making: Making, seed: int) -> ComposeRequest:
    engine, model = engine_and_model(making.engine)
    frames, rate = frames_of(length_s)
    return ComposeRequest(
        mood=text, frames=frames, rate=rate, engine=engine, model=model, seed=seed
    )


def _reference(row: Row, folder: Path, target: Path) -> Fraction:
    """Have a clip's own sound at `target`; returns its length in seconds."""
    if target.exists():
        return probe(target).duration
    if not row.sound:
        raise InputError("It came as features alone.")
    with media_file(folder / row.sound) as path:
        start = Fraction(row.start_s)
        end = Fraction(row.end_s) if row.end_s is not None else probe(path).duration
        end = min(end, start + LONGEST_S)
        if end - start < _SHORTEST_S:
            raise InputError(f"It is shorter than {_SHORTEST_S} s.")
        samples = read_audio(path, start, end, sample_rate=SAMPLE_RATE)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError.from_os(error, target) from error
    write_wav(target, to_int24(samples))
    return Fraction(samples.shape[1], SAMPLE_RATE)


def _copied(path: Path, target: Path) -> None:
    work = target.with_name(f".{target.name}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, work)
        os.replace(work, target)
    except OSError as error:
        raise OutputError.from_os(error, target) from error


def _name(number: int, row: Row) -> str:
    return f"{number:05d}-{re.sub(r'[^A-Za-z0-9]+', '-', row.id)[:40].strip('-')}"
