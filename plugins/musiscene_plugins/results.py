"""Results in the user's folder: whole or not at all, and never over anything that is there.

    DIR/<cue>/brief.json
    DIR/<cue>/take-1/{mix.wav, stems/<role>.wav, cue.mid, cue.musicxml, take.json}

A cue without a timeline has a folder to itself: DIR/{brief.json, mix.wav, stems/, ...}.

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
from musiscene_core.critic.critique import CRITIQUE_FILE
from musiscene_core.errors import OutputError
from musiscene_core.progress import Progress
from musiscene_core.provenance.statement import STATEMENT_FILE
from musiscene_core.request import MusicWish
from musiscene_core.take import Alternate, Stem
from musiscene_core.timeline import TimelineRange
from musiscene_plugins.choosing import file_name
from musiscene_plugins.host import TakeInFolder

_BYTES_PER_SAMPLE = 2 * 3
_SOUNDS_BY_ROLE, _SOUNDS_BY_INSTRUMENT = 6, 20
"""Of a take, the mix among them; of one by instrument, as many as there may well be."""
_ROOM_FOR_THE_REST = 4 << 20
_MAX_NUMBER = 10_000
_ORIGINS = ("request.json", "cue.json", "changes.json", CRITIQUE_FILE, STATEMENT_FILE)
"""What the take was made from and became of: conforming begins there."""


def check_output(
    folder: Path, timeline: TimelineRange, takes: int, sounds: int = _SOUNDS_BY_ROLE
) -> None:
    """Make sure that results can be written into `folder` before the long work begins.

    Args:
        folder: where they go.
        timeline: the range they are as long as.
        takes: how many there will be.
        sounds: how many sound files each has.

    Raises:
        OutputError: no permission, a file in the way, or no room for the takes.
    """
    # Only looked at, never made: another run may be about to use an empty folder.
    present = next(part for part in (folder, *folder.parents) if _exists(part))
    needed = timeline.length_samples * _BYTES_PER_SAMPLE * sounds * takes
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


def sounds_of(wish: MusicWish) -> int:
    """How many sound files, each as long as the range, a take of `wish` may have."""
    stems = _SOUNDS_BY_INSTRUMENT if wish.stems == "instruments" else _SOUNDS_BY_ROLE
    return stems + len(wish.alternates) * (stems if wish.alternate_stems else 1)


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
                _copied_take(placed, staged / f"take-{number}", f"take-{number}")
                for number, placed in enumerate(takes, start=1)
            ]
            return _claimed_cue(folder.absolute(), file_name(brief.timeline.cue), staged, copies)
    except OSError as error:
        raise OutputError.from_os(error, folder) from error


def publish_alone(
    folder: Path, brief: SceneBrief, takes: Sequence[TakeInFolder]
) -> list[TakeInFolder]:
    """Make `folder`, which must be vacant, of `takes` and their brief: one take is the folder.

    Raises:
        OutputError: it holds something, no space or no permission; nothing is left half written.
    """
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".musiscene-") as scratch:
            staged = Path(scratch) / "cue"
            staged.mkdir()
            places = [""] if len(takes) == 1 else [f"take-{n}" for n in range(1, len(takes) + 1)]
            copies = [
                _copied_take(placed, staged / place, placed.take.name).take
                for placed, place in zip(takes, places, strict=True)
            ]
            (staged / "brief.json").write_bytes(to_json(brief))
            check_vacant(folder)
            if folder.is_dir():
                folder.rmdir()
            os.rename(staged, folder)
            return [
                TakeInFolder(take, folder / place)
                for take, place in zip(copies, places, strict=True)
            ]
    except OSError as error:
        raise OutputError.from_os(error, folder) from error


def with_reports(
    takes: Sequence[TakeInFolder], brief: SceneBrief, progress: Progress
) -> list[TakeInFolder]:
    """Write the report of each take into its folder; returns the takes with their pictures.

    Raises:
        MediaError: a take's sound or score cannot be read.
        OutputError: a folder cannot be written.
    """
    # Here and not above: it loads the drawing libraries, which nothing else here needs.
    from musiscene_core.reporting import write_report

    return [
        TakeInFolder(write_report(placed.folder, placed.take, brief, progress), placed.folder)
        for placed in takes
    ]


def check_vacant(folder: Path) -> None:
    """Refuse a place where there is anything but an empty folder.

    Raises:
        OutputError: there is something.
    """
    try:
        taken = _exists(folder) and (not folder.is_dir() or any(folder.iterdir()))
    except OSError as error:
        raise OutputError.from_os(error, folder) from error
    if taken:
        raise OutputError(
            f"{folder} holds something already.", hint="Choose another folder with --output."
        )


def vacant(folder: Path) -> Path:
    """`folder`, or the first of its name with a number that is not there."""
    names = (folder.with_name(f"{folder.name}-{number}") for number in range(2, _MAX_NUMBER))
    return next((path for path in (folder, *names) if not _exists(path)), folder)


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


def _copied_take(placed: TakeInFolder, target: Path, name: str) -> TakeInFolder:
    """A copy of the take's files under the names that scripts rely on."""
    take, source = placed.take, placed.folder
    target.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source / take.mix, target / "mix.wav")
    stems = _copied_stems(take.stems, source, target, "")
    if take.midi:
        shutil.copyfile(source / take.midi, target / "cue.mid")
    if take.musicxml:
        shutil.copyfile(source / take.musicxml, target / "cue.musicxml")
    if take.peaks:
        shutil.copyfile(source / take.peaks, target / Path(take.peaks).name)
    for extra in take.extras:
        shutil.copyfile(source / extra, target / Path(extra).name)
    for origin in _ORIGINS:
        if (source / origin).is_file():
            shutil.copyfile(source / origin, target / origin)
    copy = msgspec.structs.replace(
        take,
        name=name,
        mix="mix.wav",
        stems=stems,
        midi="cue.mid" if take.midi else "",
        musicxml="cue.musicxml" if take.musicxml else "",
        lead_sheet=(),
        chart="",
        peaks=Path(take.peaks).name if take.peaks else "",
        alternates=tuple(_copied_alternate(other, source, target) for other in take.alternates),
        extras=tuple(Path(extra).name for extra in take.extras),
    )
    (target / "take.json").write_bytes(to_json(copy))
    return TakeInFolder(copy, target)


def _copied_stems(
    stems: Sequence[Stem], source: Path, target: Path, place: str
) -> tuple[Stem, ...]:
    """Copies of `stems` in the folder `place` of `target`; several of a role keep their names."""
    copies = []
    for stem in stems:
        name = Path(stem.path).name if stem.name else f"{stem.role}.wav"
        copy = msgspec.structs.replace(stem, path=f"{place}stems/{name}")
        (target / copy.path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source / stem.path, target / copy.path)
        copies.append(copy)
    return tuple(copies)


def _copied_alternate(other: Alternate, source: Path, target: Path) -> Alternate:
    place = f"alternates/{other.name}/"
    (target / place).mkdir(parents=True)
    shutil.copyfile(source / other.mix, target / place / "mix.wav")
    peaks = f"{place}{Path(other.peaks).name}" if other.peaks else ""
    if peaks:
        shutil.copyfile(source / other.peaks, target / peaks)
    return msgspec.structs.replace(
        other,
        mix=f"{place}mix.wav",
        peaks=peaks,
        stems=_copied_stems(other.stems, source, target, place),
    )


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
