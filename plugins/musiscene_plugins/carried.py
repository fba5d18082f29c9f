"""The takes that are heard on a timeline, known by the files that its music clips play."""

from __future__ import annotations

from pathlib import Path

import msgspec

from musiscene_core.codec import read_json
from musiscene_core.errors import InputError
from musiscene_core.ranges import FrameRange
from musiscene_core.take import Take
from musiscene_plugins.host import EditorHost, RangeChoice, TakeInFolder


def takes_on_timeline(host: EditorHost) -> list[TakeInFolder]:
    """The takes that are heard on a timeline, with the record range where they lie there now.

    Raises:
        InputError: there is no music of ours on it.
    """
    placed: dict[tuple[Path, int], FrameRange] = {}
    whole = host.describe().record
    choice = RangeChoice(record_in=str(whole.start), record_out=str(whole.end))
    for clip in host.read_range(choice).by_role("score"):
        folder = take_folder(Path(clip.media.path)) if clip.media.path else None
        if folder is not None:
            record = clip.mapping.record
            # Stems of one take lie together; the same take twice makes two cues.
            key = next(
                (k for k, at in placed.items() if k[0] == folder and at.overlap(record)), None
            )
            if key is None:
                placed[folder, record.start] = record
            else:
                at = placed[key]
                placed[key] = FrameRange(min(at.start, record.start), max(at.end, record.end))
    if not placed:
        raise InputError(
            "There is no music of ours on this timeline.",
            hint="Give the scored timeline, or the folder that `musiscene score` wrote.",
        )
    found = []
    for (folder, _), record in placed.items():
        put = take_at(folder)
        found.append(TakeInFolder(msgspec.structs.replace(put.take, record=record), folder))
    return found


def take_folder(media: Path) -> Path | None:
    """The folder of the take that a sound belongs to; None where it is none of ours."""
    try:
        return next((at for at in media.parents[:2] if (at / "take.json").is_file()), None)
    except (OSError, ValueError):
        return None


def take_at(folder: Path) -> TakeInFolder:
    """The take in `folder`.

    Raises:
        InputError: there is none, or it is damaged.
    """
    return TakeInFolder(read_json(folder / "take.json", Take), folder)
