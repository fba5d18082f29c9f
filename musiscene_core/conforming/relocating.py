"""A take for a range that moved as a whole: the same audio, at its new place.

Files are copied byte for byte but for the time reference by which a DAW spots them.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import msgspec

from musiscene_core.conforming.earlier import EarlierTake
from musiscene_core.errors import OutputError
from musiscene_core.media.wav import set_time_reference
from musiscene_core.take import Take
from musiscene_core.timecode import frame_to_sample
from musiscene_core.timeline import TimelineRange

_MADE_ANEW = ("take.json", "request.json", "brief.json", "changes.json", "placement.json")


def relocated(earlier: EarlierTake, timeline: TimelineRange, name: str, folder: Path) -> Take:
    """`earlier`, called `name`, in `folder`, an empty one, for the range where it lies now.

    Raises:
        OutputError: `folder` cannot be written.
    """
    first = frame_to_sample(timeline.record.start, timeline.rate)

    def skipped(_: str, names: list[str]) -> set[str]:
        return {one for one in names if one in _MADE_ANEW or one.startswith(".")}

    try:
        shutil.copytree(earlier.folder, folder, ignore=skipped, dirs_exist_ok=True)
        for path in folder.rglob("*.wav"):
            set_time_reference(path, first)
    except (OSError, shutil.Error) as error:
        cause = error if not isinstance(error, shutil.Error) else OSError(5, "cannot be copied")
        raise OutputError.from_os(cause, folder) from error
    take = earlier.take
    return msgspec.structs.replace(
        take,
        name=name,
        cue=timeline.cue,
        record=timeline.record,
        provenance=msgspec.structs.replace(take.provenance, conformed_from=earlier.digest),
    )
