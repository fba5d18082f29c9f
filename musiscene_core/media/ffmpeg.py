"""The ffmpeg program: where it is, and running it with progress, cancelling and a clear error."""

from __future__ import annotations

import logging
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from fractions import Fraction

from musiscene_core.errors import EngineError, OutputError

logger = logging.getLogger(__name__)

_STDERR_TAIL = 2000


def find_ffmpeg() -> str:
    """Path of an ffmpeg program: the system's, else the one that comes with imageio-ffmpeg.

    Raises:
        EngineError: neither is there.
    """
    system = shutil.which("ffmpeg")
    if system:
        return system
    try:
        import imageio_ffmpeg

        return str(imageio_ffmpeg.get_ffmpeg_exe())
    except (ImportError, RuntimeError) as error:
        raise EngineError(
            "No ffmpeg program was found.",
            hint="Install ffmpeg, or reinstall the imageio-ffmpeg package.",
        ) from error


def run_ffmpeg(
    arguments: Sequence[str], told: Callable[[Fraction], None], *, written: str = "the preview"
) -> None:
    """Run ffmpeg; `told` hears the seconds of output made and may raise to stop it.

    Args:
        arguments: the command line, the program first, without -progress.
        told: called a few times a second.
        written: what is being made, for messages.

    Raises:
        OutputError: the disk is full.
        EngineError: ffmpeg failed; its last words are in the message.
    """
    command = [*arguments, "-progress", "pipe:1", "-nostats", "-nostdin"]
    with tempfile.TemporaryFile() as said:
        try:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=said
            )
        except OSError as error:
            raise EngineError(
                f"{command[0]} cannot be started: {error.strerror}.", hint="Reinstall ffmpeg."
            ) from error
        with process:
            try:
                _follow(process, told)
            except BaseException:
                process.kill()
                raise
        if process.returncode == 0:
            return
        size = said.seek(0, 2)
        said.seek(max(0, size - _STDERR_TAIL))
        tail = said.read().decode("utf-8", "replace").strip()
    if "No space left on device" in tail:
        raise OutputError(
            f"The disk is full; {written} was not written.",
            hint="Free some space or choose another folder, then try again.",
        )
    logger.error("ffmpeg ended with %d: %s", process.returncode, tail)
    last = tail.splitlines()[-1] if tail else "it gave no reason"
    raise EngineError(
        f"ffmpeg failed: {last}",
        hint="Check that your ffmpeg has the libx264 and aac encoders; its messages are logged.",
    )


def _follow(process: subprocess.Popen[bytes], told: Callable[[Fraction], None]) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        key, _, value = line.decode("ascii", "replace").strip().partition("=")
        if key == "out_time_us" and value.lstrip("-").isdigit():
            told(max(Fraction(0), Fraction(int(value), 1_000_000)))
