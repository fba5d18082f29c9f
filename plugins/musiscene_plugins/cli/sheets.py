"""`musiscene cuesheet`: the cue sheet of a scored timeline, or of a folder of takes."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec

from musiscene_core.codec import read_json, write_atomically
from musiscene_core.errors import InputError, OutputError, RequestError
from musiscene_core.ranges import FrameRange
from musiscene_plugins.carried import take_at, takes_on_timeline
from musiscene_plugins.choosing import file_name
from musiscene_plugins.cli.inputs import opened_host
from musiscene_plugins.cli.terminal import result_console
from musiscene_plugins.host import TakeInFolder
from musiscene_plugins.reel.cue_sheet import CueSheet, SheetSettings, as_csv, clock, sheet_of_takes
from musiscene_plugins.reel.state import CueRecord, read_state

_MAX_TAKES = 10_000
_MAX_NUMBER = 10_000


def run(arguments: argparse.Namespace) -> int:
    """Write the sheet of what the arguments name; returns the exit code."""
    settings = sheet_settings(arguments)
    source = Path(arguments.file).expanduser().absolute()
    if source.is_dir() and source.suffix.lower() not in (".otiod", ".fcpxmld"):
        name, takes = source.name, takes_in_folder(source)
        rate = takes[0][0].take.rate
        folder = source
    else:
        host = opened_host(arguments)
        about = host.describe()
        name, rate = about.name, about.rate
        takes = [(put, _usage_of(put.folder)) for put in takes_on_timeline(host)]
        folder = source.parent
    output = Path(arguments.output).expanduser().absolute() if arguments.output else folder
    sheet = sheet_of_takes(takes, settings, name=name, rate=rate)
    files = publish_sheet(sheet, output, file_name(source.stem))
    if arguments.json:
        printed = msgspec.to_builtins(sheet) | {"files": [str(path) for path in files]}
        sys.stdout.write(json.dumps(printed, indent=2) + "\n")
        return 0
    console = result_console()
    seconds = float(sheet.rate.seconds(sheet.frames))
    console.print(f"{len(sheet.rows)} cues, {clock(seconds)} of music", markup=False)
    for path in files:
        console.print(f"Cue sheet: {path}", markup=False)
    return 0


def sheet_settings(arguments: argparse.Namespace) -> SheetSettings:
    """What --sheet's file and the options say; an option leads over the file.

    Raises:
        InputError: the file cannot be read.
        RequestError: a field is too long, or the reel no number of one.
    """
    settings = SheetSettings()
    if arguments.sheet:
        settings = read_json(Path(arguments.sheet).expanduser(), SheetSettings)
    given = {
        name: getattr(arguments, f"sheet_{name}")
        for name in SheetSettings.__struct_fields__
        if getattr(arguments, f"sheet_{name}", None) is not None
    }
    try:
        return msgspec.structs.replace(settings, **given)
    except ValueError as error:
        raise RequestError(f"The cue sheet cannot say this: {error}.") from error


def publish_sheet(sheet: CueSheet, folder: Path, name: str) -> tuple[Path, Path]:
    """Write NAME.cuesheet.csv and .pdf, numbered where others are there already.

    Raises:
        OutputError: they cannot be written.
    """
    from musiscene_plugins.reel.cue_sheet_pdf import as_pdf

    contents = {".csv": as_csv(sheet), ".pdf": as_pdf(sheet)}
    for number in range(1, _MAX_NUMBER):
        stem = f"{name}.cuesheet" if number == 1 else f"{name}.cuesheet-{number}"
        paths = {folder / f"{stem}{suffix}": data for suffix, data in contents.items()}
        if all(_holds(path, data) for path, data in paths.items()):
            return tuple(paths)  # type: ignore[return-value]
        if not any(path.exists() for path in paths):
            for path, data in paths.items():
                write_atomically(path, data)
            return tuple(paths)  # type: ignore[return-value]
    raise OutputError(f"{folder} holds too many cue sheets.", hint="Choose another --output.")


def takes_in_folder(folder: Path) -> list[tuple[TakeInFolder, str]]:
    """The takes of a reel's folder with their usages: as its state says, else the latest of a cue.

    Raises:
        InputError: there is none, or one is damaged.
    """
    states = sorted(folder.glob("*.reel.json"))
    records: list[CueRecord] = [
        record for path in states for record in read_state(path).cues.values() if record.takes
    ]
    found = [(take_at(folder / record.takes[0]), record.usage) for record in records]
    if not found:
        latest: dict[tuple[str, FrameRange], TakeInFolder] = {}
        for path in sorted(_take_files(folder), key=lambda path: path.stat().st_mtime_ns):
            put = take_at(path.parent)
            latest[put.take.cue, put.take.record] = put
        found = [(put, "") for put in latest.values()]
    if not found:
        raise InputError(
            f"{folder} holds no takes.", hint="Give the folder that `musiscene score` wrote."
        )
    rates = {put.take.rate.fps for put, _ in found}
    if len(rates) > 1:
        raise InputError(
            f"The takes in {folder} have several frame rates.", hint="Give one reel at a time."
        )
    return found


def _usage_of(folder: Path) -> str:
    """The usage that the reel's state notes for the take in `folder`; empty where there is none."""
    reel = folder.parent.parent
    for path in sorted(reel.glob("*.reel.json")):
        for record in read_state(path).cues.values():
            if any(reel / name == folder for name in record.takes):
                return record.usage
    return ""


def _take_files(folder: Path) -> Iterator[Path]:
    for number, path in enumerate(folder.glob("*/take-*/take.json")):
        if number >= _MAX_TAKES:
            raise InputError(f"{folder} holds more than {_MAX_TAKES} takes.")
        yield path


def _holds(path: Path, data: bytes) -> bool:
    try:
        return path.stat().st_size == len(data) and path.read_bytes() == data
    except OSError:
        return False
