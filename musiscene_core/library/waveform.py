"""Reading waveform overviews: BBC audiowaveform's binary format, versions 1 and 2.

The composer's renderer writes version 2 with 8 bits; engines may write any of them.
Source: github.com/bbc/audiowaveform, doc/DataFormat.md.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import TYPE_CHECKING

from musiscene_core.errors import MediaError
from musiscene_core.library.folders import SkippedError, read_bounded

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

_MAX_BYTES = 256 << 20
_HEADER = struct.Struct("<iIiiI")
_CHANNELS = struct.Struct("<i")
_MAX_CHANNELS = 64


def read_peaks(path: Path) -> tuple[npt.NDArray[np.int8] | npt.NDArray[np.int16], int]:
    """Read an overview.

    Args:
        path: a .dat file.

    Returns:
        (array [points, channels, 2] of each point's minimum and maximum, samples per point);
        int8 or int16 as the file has it, read-only.

    Raises:
        MediaError: missing, no overview, or cut short.
    """
    try:
        data = read_bounded(path, _MAX_BYTES)
    except (OSError, SkippedError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise MediaError(f"{path} cannot be read: {reason}.") from error
    if len(data) < _HEADER.size:
        raise _no_overview(path)
    version, flags, _, samples_per_pixel, points = _HEADER.unpack_from(data)
    offset, channels = _HEADER.size, 1
    if version == 2 and len(data) >= offset + _CHANNELS.size:
        channels = _CHANNELS.unpack_from(data, offset)[0]
        offset += _CHANNELS.size
    elif version != 1:
        raise _no_overview(path)
    width = 1 if flags & 1 else 2
    if not 1 <= channels <= _MAX_CHANNELS or samples_per_pixel < 1:
        raise _no_overview(path)
    values = points * channels * 2
    if len(data) - offset < values * width:
        raise MediaError(f"{path} is cut short.", hint="Score the scene again.")
    # Here and not above: the socket process lists takes, and draws none.
    import numpy as np

    shape = (points, channels, 2)
    if width == 1:
        narrow: npt.NDArray[np.int8] = np.frombuffer(data, np.int8, values, offset)
        return narrow.reshape(shape), int(samples_per_pixel)
    wide: npt.NDArray[np.int16] = np.frombuffer(data, "<i2", values, offset)
    return wide.reshape(shape), int(samples_per_pixel)


def _no_overview(path: Path) -> MediaError:
    return MediaError(f"{path} is not a waveform overview.", hint="Score the scene again.")
