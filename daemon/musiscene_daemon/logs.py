"""The daemon's log: one rotating file, without prompts, paths or keys at its default level."""

from __future__ import annotations

import logging
import logging.handlers
import time
import traceback
from pathlib import Path

import msgspec

from musiscene_core.errors import OutputError
from musiscene_core.paths import private_folder

LOG_NAME = "musiscened.log"
_MAX_BYTES = 1 << 20
_BACKUPS = 3
_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"
_TAIL_FRAMES = 6


class JsonLines(logging.Formatter):
    """One JSON object a line: time (UTC), level, logger, process, message."""

    def format(self, record: logging.LogRecord) -> str:
        """The line of `record`."""
        moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        line = {
            "time": f"{moment}.{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "process": record.process,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return msgspec.json.encode(line).decode()


def start_logging(folder: Path, level: str, *, terminal: bool, as_json: bool = False) -> None:
    """Send every module's log to `folder`, and to the terminal too where `terminal` says so.

    With `as_json` each line of the file is a JSON object.

    Raises:
        OutputError: the folder cannot be written.
    """
    path = folder / LOG_NAME
    try:
        private_folder(folder)
        file = logging.handlers.RotatingFileHandler(
            path, maxBytes=_MAX_BYTES, backupCount=_BACKUPS, encoding="utf-8"
        )
    except OSError as error:
        raise OutputError.from_os(error, path) from error
    handlers: list[logging.Handler] = [file]
    if terminal:
        handlers.append(logging.StreamHandler())
    if as_json:
        file.setFormatter(JsonLines())
    # A full disk must not turn each log line into an error of its own.
    logging.raiseExceptions = False
    logging.basicConfig(level=level.upper(), format=_FORMAT, handlers=handlers, force=True)


def where(error: BaseException) -> str:
    """The last calls before `error`, without the message, which may hold a path or a prompt."""
    calls = traceback.extract_tb(error.__traceback__)[-_TAIL_FRAMES:]
    steps = (f"{Path(call.filename).name}:{call.lineno} {call.name}" for call in calls)
    return f"{type(error).__name__} at {' > '.join(steps)}"
