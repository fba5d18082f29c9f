"""audiocraft's FAD, KL and CLAP metrics over folders of sound, for an evaluation.

    python -m musiscene_daemon.engines.audiocraft.measuring METRIC MADE [--real DIR] ...

Exits with 0 and the figure, or with 2 and what to do.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Literal

import msgspec

from musiscene_core.environments.places import folder_of, interpreter_of
from musiscene_core.errors import EngineError, InputError, MusiSceneError
from musiscene_core.media import probe, read_audio
from musiscene_core.progress import Portion, Progress, silent
from musiscene_daemon.engines.apart.process import ChildLost, ChildProcess
from musiscene_daemon.engines.audiocraft.engine import CHILD, ENVIRONMENT, MEND
from musiscene_daemon.engines.audiocraft.sounds import hand_over

Metric = Literal["clap", "kl", "fad"]
RATE = 32_000
_SOUNDS = (".wav", ".flac", ".mp3", ".ogg", ".m4a")
_SHARE = 0.3
"""Of the progress, for reading the sounds."""


def measure(
    metric: Metric,
    made: Path,
    *,
    real: Path | None = None,
    texts: Mapping[str, str] | None = None,
    weights: str = "",
    tool: str = "",
    progress: Progress = silent,
) -> float:
    """The figure for the sounds in `made`.

    Args:
        metric: clap: mean cosine to the words; kl: divergence of what a classifier hears; fad:
            distance of the two sets.
        made: a folder of sounds.
        real: a folder with sounds of the same names, for kl and fad.
        texts: words by a sound's file name, for clap.
        weights: the metric's checkpoint, for clap and fad.
        tool: the folder of Google's program, for fad.
        progress: hears of each stage; what it raises passes through.

    Raises:
        InputError: no sounds, or one lacks its partner or its words.
        EngineError: the environment is not there, or lacks what the metric needs.
    """
    python = interpreter_of(folder_of(ENVIRONMENT))
    if python is None:
        raise EngineError(
            "audiocraft's environment is not there.", hint="Run `musiscene setup audiocraft`."
        )
    sounds = _sounds(made)
    with tempfile.TemporaryDirectory() as name:
        place, pairs = Path(name), []
        for number, path in enumerate(sounds):
            progress("Reading the sounds", _SHARE * number / len(sounds))
            pair: dict[str, object] = {"made": _handed(place, f"made-{number}.f32", path)}
            if metric == "clap":
                pair["text"] = _words(path, texts or {})
            else:
                partner = _partner(path, real)
                pair["real"] = _handed(place, f"real-{number}.f32", partner)
            pairs.append(pair)
        child = ChildProcess([python, "-s", "-E", "-u", CHILD], progress, mend=MEND)
        try:
            given = {"metric": metric, "pairs": pairs, "weights": weights, "tool": tool}
            found = child.ask("measure", given, place, Portion(progress, _SHARE, 1.0))
        except ChildLost as lost:
            raise EngineError(f"The process that measured is gone: {lost}", hint=MEND) from lost
        finally:
            child.close()
    return float(found["value"])


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure what the arguments name; returns the exit code."""
    parser = argparse.ArgumentParser(prog="musiscene_daemon.engines.audiocraft.measuring")
    parser.add_argument("metric", choices=("clap", "kl", "fad"))
    parser.add_argument("made", type=Path, help="a folder of sounds")
    parser.add_argument("--real", type=Path, help="a folder with sounds of the same names")
    parser.add_argument("--texts", type=Path, help="JSON: words by file name")
    parser.add_argument("--weights", default="", help="the metric's checkpoint")
    parser.add_argument("--tool", default="", help="the folder of Google's program, for fad")
    given = parser.parse_args(arguments)
    try:
        texts = _read_texts(given.texts) if given.texts else None
        figure = measure(
            *(given.metric, given.made),
            real=given.real,
            texts=texts,
            weights=given.weights,
            tool=given.tool,
        )
    except MusiSceneError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    sys.stdout.write(f"{figure:.6g}\n")
    return 0


def _read_texts(path: Path) -> dict[str, str]:
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, str])
    except (OSError, msgspec.MsgspecError) as error:
        raise InputError(f"{path} holds no words by file name: {error}") from error


def _sounds(folder: Path) -> list[Path]:
    try:
        found = sorted(path for path in folder.iterdir() if path.suffix.lower() in _SOUNDS)
    except OSError as error:
        raise InputError(f"{folder} cannot be read: {error.strerror}.") from error
    if not found:
        raise InputError(f"There are no sounds in {folder}.")
    return found


def _handed(place: Path, name: str, path: Path) -> dict[str, object]:
    sound = read_audio(path, Fraction(0), probe(path).duration, sample_rate=RATE)
    return hand_over(place, name, sound, RATE)


def _partner(path: Path, real: Path | None) -> Path:
    partner = (real or Path()) / path.name
    if real is None or not partner.is_file():
        raise InputError(
            f"{path.name} has no partner.", hint="Name the folder that has it with --real."
        )
    return partner


def _words(path: Path, texts: Mapping[str, str]) -> str:
    words = texts.get(path.name, "").strip()
    if not words:
        raise InputError(f"{path.name} has no words.", hint="Say them in the file of --texts.")
    return words


if __name__ == "__main__":
    sys.exit(main())
