"""Every error a user can meet, in one tree.

    MusiSceneError                      code on the wire
    ├── InputError                      something the user gave cannot be used
    │   ├── TimecodeError               not a timecode, or not one at this rate
    │   ├── RangeError                  empty, reversed, past the end, or in a gap
    │   ├── MediaError                  a media file is unreadable
    │   │   └── MediaOfflineError       a media file is not there
    │   ├── TimelineError               a timeline file is unreadable
    │   ├── ModelError                  a model's files are unreadable, or do not fit together
    │   └── RequestError                a request asks for what cannot be done
    ├── OutputError                     the result cannot be written
    │   └── DiskFullError               there is no room for it
    ├── HostError                       the editor cannot be reached, or refuses
    │   └── HostLostError         it went away in the middle of the work
    ├── EngineError                     an engine failed or is not installed
    ├── DaemonError                     the daemon cannot be reached or refuses
    │   ├── ProtocolMismatchError       client and daemon speak different versions
    │   ├── JobFailedError              a job ended without a result
    │   └── UnknownJobError             no such job
    └── CancelledError                  the user cancelled

An error carries one sentence that says what is wrong and one that says what to do next.
Bugs stay ordinary exceptions.
"""

from __future__ import annotations

import errno
from typing import ClassVar

_GONE = (errno.ENOENT, errno.ENODEV, errno.ENXIO, errno.ESTALE)
"""What writing meets where a drive was pulled or a folder taken away."""


class MusiSceneError(Exception):
    """Something went wrong that a user can understand and often mend."""

    code: ClassVar[str] = "error"

    def __init__(self, message: str, *, hint: str = "") -> None:
        """Keep what is wrong (`message`) and what to do next (`hint`), a sentence each."""
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()

    def __reduce__(self) -> tuple[object, ...]:
        """Keep the hint when an error crosses a process boundary by pickling."""
        return (_rebuild, (self.code, self.message, self.hint))


class InputError(MusiSceneError):
    """Something the user gave cannot be used."""

    code = "input"


class TimecodeError(InputError):
    """A text is not a timecode, or names a frame that does not exist at this rate."""

    code = "timecode"


class RangeError(InputError):
    """A range is empty, reversed, past the end of the timeline, or in a gap."""

    code = "range"


class MediaError(InputError):
    """A media file cannot be read."""

    code = "media"


class MediaOfflineError(MediaError):
    """A media file is not where the timeline says."""

    code = "media_offline"


class TimelineError(InputError):
    """A timeline file cannot be read or makes no sense."""

    code = "timeline"


class ModelError(InputError):
    """A model's files cannot be read, or do not belong together."""

    code = "model"


class RequestError(InputError):
    """A request asks for something that cannot be done."""

    code = "request"


class OutputError(MusiSceneError):
    """A result cannot be written where it should go."""

    code = "output"

    @classmethod
    def from_os(cls, error: OSError, target: object) -> OutputError:
        """Explain a failed write to `target` in a sentence, with what to do next."""
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            return DiskFullError(
                f"The disk is full; {target} was not written.",
                hint="Free some space or choose another folder, then try again.",
            )
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            return cls(
                f"{target} cannot be written: no permission.",
                hint="Choose a folder you may write to with --output.",
            )
        if error.errno in (errno.ENOTDIR, errno.EEXIST):
            return cls(
                f"{target} cannot be written: a file stands where a folder is needed.",
                hint="Choose another folder with --output.",
            )
        if error.errno in _GONE:
            return cls(
                f"{target} cannot be written: its folder or drive is gone.",
                hint="Put it back or choose another folder, then try again.",
            )
        if error.errno == errno.ENAMETOOLONG:
            return cls(
                f"{target} cannot be written: the name is too long.",
                hint="Choose a shorter name, or a folder with a shorter one.",
            )
        reason = error.strerror or type(error).__name__
        return cls(f"{target} cannot be written: {reason}.", hint="Choose another folder.")


class DiskFullError(OutputError):
    """There is no room for a result on the disk."""

    code = "disk_full"


class HostError(MusiSceneError):
    """The editor cannot be reached, or refuses what it was asked."""

    code = "host"


class HostLostError(HostError):
    """The editor went away, or stopped answering, in the middle of the work."""

    code = "host_lost"


class EngineError(MusiSceneError):
    """An engine failed, or is not installed."""

    code = "engine"


class DaemonError(MusiSceneError):
    """The daemon cannot be reached, or refuses."""

    code = "daemon"


class ProtocolMismatchError(DaemonError):
    """Client and daemon speak different protocol versions."""

    code = "protocol"


class JobFailedError(DaemonError):
    """A job ended without a result for a reason that is not the user's."""

    code = "job_failed"


class UnknownJobError(DaemonError):
    """The daemon knows no job by this name."""

    code = "unknown_job"


class CancelledError(MusiSceneError):
    """The user cancelled the work."""

    code = "cancelled"


def _subclasses(root: type[MusiSceneError]) -> list[type[MusiSceneError]]:
    found = [root]
    for child in root.__subclasses__():
        found += _subclasses(child)
    return found


def from_code(code: str, message: str, hint: str = "") -> MusiSceneError:
    """Rebuild the error that was sent as (`code`, `message`, `hint`); unknown codes keep the base.

    Args:
        code: the `code` of one of the classes above.
        message: what is wrong.
        hint: what to do next.
    """
    # A private refinement inherits its parent's code: the class that names it is meant.
    kinds = {kind.code: kind for kind in _subclasses(MusiSceneError) if "code" in vars(kind)}
    return kinds.get(code, MusiSceneError)(message, hint=hint)


_rebuild = from_code
