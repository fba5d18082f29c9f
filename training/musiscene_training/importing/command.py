"""`musiscene-train import`: its arguments, and what it says."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from musiscene_training.importing.cues import read_sheet
from musiscene_training.importing.found import CLIPS_FILE, PROBLEMS_FILE, Found, write
from musiscene_training.importing.musicqa import read_musicqa
from musiscene_training.importing.public_vacad import read_public_vacad


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the command."""
    kinds = parser.add_subparsers(dest="what", required=True)
    musicqa = kinds.add_parser("musicqa", help="MusicQA's JSON, and the music it is about")
    musicqa.add_argument("given", type=Path, metavar="JSON")
    public = kinds.add_parser("vacad", help="VACAD's public CSV, and the clips it is about")
    public.add_argument("given", type=Path, metavar="CSV")
    public.add_argument(
        "--ids", type=Path, required=True, metavar="JSON", help="mullama_output.json beside it"
    )
    for one in (musicqa, public):
        one.add_argument(
            "--media", type=Path, required=True, metavar="DIR", help="where the sounds lie"
        )
    cues = kinds.add_parser("cues", help="a cue sheet as CSV, or a folder of .otio timelines")
    cues.add_argument("given", type=Path, metavar="CSV|DIR")
    cues.add_argument(
        "--tracks", default="", metavar="WORDS", help="in the names of music's tracks, by commas"
    )
    for one in (musicqa, public, cues):
        one.add_argument(
            "--output", type=Path, required=True, metavar="DIR", help="a new folder, or empty"
        )
        one.add_argument("--licence", default="", help="of all of it, unless it says otherwise")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Import; returns the exit code.

    Raises:
        MusiSceneError: what the user can mend.
    """
    found = _found(arguments)
    written = write(found, arguments.output)
    lines = []
    if found.problems:
        many = f"{len(found.problems)} were left out"
        lines.append(f"{many}: {arguments.output / PROBLEMS_FILE} says why.")
    for path in written:
        if path.name == CLIPS_FILE:
            lines.append(f"{len(found.clips)} cues: musiscene-train vacad BUILD --clips {path}")
        else:
            name = "" if path == arguments.output else path.name
            lines.append(f"{len(found.rows[name])} rows: train with --data {path}")
    sys.stdout.write("\n".join(lines) + "\n")
    return 0


def _found(arguments: argparse.Namespace) -> Found:
    given: Path = arguments.given
    if arguments.what == "musicqa":
        return read_musicqa(given, arguments.media, arguments.licence)
    if arguments.what == "vacad":
        return read_public_vacad(given, arguments.ids, arguments.media, arguments.licence)
    if not given.is_dir():
        return read_sheet(given, arguments.licence)
    from musiscene_training.importing.timelines import MUSIC_WORDS, read_timelines

    words = tuple(word.strip().casefold() for word in arguments.tracks.split(",") if word.strip())
    return read_timelines(given, words or MUSIC_WORDS, arguments.licence)
