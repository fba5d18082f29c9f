"""Results in the user's folder: whole or not at all, and never over anything that is there.

    DIR/<cue>/brief.json
    DIR/<cue>/take-1/{mix.wav, stems/<role>.wav, cue.mid, take.json}

Takes of one and the same brief gather in one cue folder under the next free numbers; another
brief gets a folder of its own, <cue>-2. Names are claimed by renaming a finished folder, so that
two commands at work in one folder both succeed.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

import msgspec

from musiscene_core.brief import SceneBrief
from musiscene_core.codec import to_json
from musiscene_core.errors import OutputError
from musiscene_core.take import Stem
from musiscene_core.timeline import TimelineRange
from musiscene_plugins.choosing import file_name
from musiscene_plugins.host import TakeInFolder

_BYTES_PER_SAMPLE = 2 * 3
_FILES_PER_TAKE = 6
_ROOM_FOR_THE_REST = 4 << 20
_MAX_NUMBER = 10_000


def check_output(folder: Path, timeline: TimelineRange, takes: int) -> None:
    """Make sure that results can be written into `folder` before the long work begins.

    Raises:
        OutputError: no permission, a file in the way, or no room for the takes.
    """
    # Only looked at, never made: another run may be about to use an empty folder.
    present = next(part for part in (folder, *folder.parents) if _exists(part))
    needed = timeline.length_samples * _BYTES_PER_SAMPLE * _FILES_PER_TAKE * takes
    try:
        with tempfile.TemporaryFile(dir=present):
            free = shutil.disk_usage(present).free
    except OSError as error:
        raise OutputError.from_os(error, folder) from error
    if free < needed + _ROOM_FOR_THE_REST:
        raise OutputError(
            f"The disk is full; the takes need {needed / 1e6:.0f} MB in {folder}.",
            hint="Free some space or choose another folder with --output.",
        )


def publish(folder: Path, brief: SceneBrief, takes: Sequence[TakeInFolder]) -> list[TakeInFolder]:
    """Copy `takes` and their brief into `folder`; returns them where they are now.

    Raises:
        OutputError: no space or no permission; nothing is left half written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder, prefix=".musiscene-") as scratch:
            staged = Path(scratch) / "cue"
            staged.mkdir()
            (staged / "brief.json").write_bytes(to_json(brief))
            copies = [
                _copied_take(placed, staged / f"take-{number}")
                for number, placed in enumerate(takes, start=1)
            ]
            return _claimed_cue(folder.absolute(), file_name(brief.timeline.cue), staged, copies)
    except OSError as error:
        raise OutputError.from_os(error, folder) from error


def _claimed_cue(
    folder: Path, cue: str, staged: Path, takes: Sequence[TakeInFolder]
) -> list[TakeInFolder]:
    brief = (staged / "brief.json").read_bytes()
    for number in range(1, _MAX_NUMBER):
        home = folder / (cue if number == 1 else f"{cue}-{number}")
        if not _exists(home) and _renamed(staged, home):
            return [TakeInFolder(placed.take, home / placed.take.name) for placed in takes]
        if _holds(home, brief):
            return [_claimed_take(home, placed) for placed in takes]
    raise OutputError(f"{folder} holds too many cues called {cue}.", hint="Choose another --cue.")


def _claimed_take(home: Path, placed: TakeInFolder) -> TakeInFolder:
    for number in range(1, _MAX_NUMBER):
        target = home / f"take-{number}"
        if _exists(target):
            continue
        take = msgspec.structs.replace(placed.take, name=target.name)
        (placed.folder / "take.json").write_bytes(to_json(take))
        if _renamed(placed.folder, target):
            return TakeInFolder(take, target)
    raise OutputError(f"{home} holds too many takes.", hint="Choose another --cue.")


def _copied_take(placed: TakeInFolder, target: Path) -> TakeInFolder:
    """A copy of the take's files under the names that scripts rely on."""
    take, source = placed.take, placed.folder
    (target / "stems").mkdir(parents=True)
    shutil.copyfile(source / take.mix, target / "mix.wav")
    stems: list[Stem] = []
    for stem in take.stems:
        path = f"stems/{stem.role}.wav"
        shutil.copyfile(source / stem.path, target / path)
        stems.append(msgspec.structs.replace(stem, path=path))
    if take.midi:
        shutil.copyfile(source / take.midi, target / "cue.mid")
    if take.peaks:
        shutil.copyfile(source / take.peaks, target / Path(take.peaks).name)
    copy = msgspec.structs.replace(
        take,
        name=target.name,
        mix="mix.wav",
        stems=tuple(stems),
        midi="cue.mid" if take.midi else "",
        peaks=Path(take.peaks).name if take.peaks else "",
    )
    (target / "take.json").write_bytes(to_json(copy))
    return TakeInFolder(copy, target)


def _renamed(source: Path, target: Path) -> bool:
    """Whether `source` could take the name `target`; False where another was faster."""
    try:
        os.rename(source, target)
    except OSError:
        if _exists(target):
            return False
        raise
    return True


def _holds(home: Path, brief: bytes) -> bool:
    try:
        return (home / "brief.json").read_bytes() == brief
    except OSError:
        return False


def _exists(path: Path) -> bool:
    return os.path.lexists(path)
