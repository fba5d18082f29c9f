"""Taking out of a text what is the user's own: names, folders, keys, and what footage is called.

Rather too much than too little: whole words around a file's name go with it. What stays is what
helps: systems, versions, figures, and folders that are the same everywhere.
"""

from __future__ import annotations

import getpass
import os
import re
import socket
import sys
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from musiscene_core.paths import cache_folder, data_folder, log_folder, runtime_folder

_MEDIA = (
    *("3gp", "aac", "aaf", "aif", "aiff", "ale", "avi", "bmp", "braw", "csv", "dng", "dpx", "drp"),
    *("drt", "edl", "exr", "fcpxml", "fcpxmld", "flac", "gif", "jpeg", "jpg", "kdenlive", "m4a"),
    *("m4v", "mid", "mkv", "mlt", "mov", "mp3", "mp4", "mpeg", "mpg", "mts", "musicxml", "mxf"),
    *("ogg", "opus", "otio", "otioz", "pdf", "png", "prproj", "r3d", "sf2", "srt", "tif", "tiff"),
    *("ts", "vtt", "wav", "webm", "wmv", "xml"),
)
_ENDING = rf"\.(?:{'|'.join(_MEDIA)})\b"
_PUBLIC = (
    *("/usr", "/opt", "/bin", "/sbin", "/lib", "/lib64", "/etc", "/proc", "/dev", "/System"),
    *("/Library", "/Applications"),
    *("C:\\Windows", "C:\\Program Files", "C:\\ProgramData"),
)
_LONGEST = 2_000
"""Letters of a line: the patterns take longer than a line is long."""
_SHORTEST = 4
"""Letters of a private word: shorter ones are in every text."""
_START = r"(?:file:/+|(?<![A-Za-z0-9])[A-Za-z]:[\\/]|\\\\|~[\\/]|(?<![\w.:/~>])/(?=[^\s/]))"
_PATH_WITH_ENDING = re.compile(rf"{_START}[^\n\"'<>|]{{0,400}}?{_ENDING}", re.IGNORECASE)
_QUOTED_PATH = re.compile(rf"(?P<quote>[\"']){_START}[^\n\"']*(?P=quote)")
_PATH = re.compile(rf"{_START}[^\s\"'<>|,;]*")
_BARE_NAME = re.compile(rf"[^\n\"'<>|=:(\[,;]{{0,200}}{_ENDING}", re.IGNORECASE)
_SECRETS = (
    re.compile(r"\b(?:hf|sk|gh[a-z]|xox[a-z]|glpat|pk|rk)[-_][A-Za-z0-9_-]{8,}"),
    re.compile(r"(?i)(?<=bearer )\S+"),
    re.compile(r"(?i)(?<=://)[^/\s@]+(?=@)"),
    re.compile(
        r"(?i)\b[\w-]*(?:key|token|secret|password|passwd|authorization)[\w-]*"
        r"[\"']?\s*[=:]\s*[\"']?(?!\s)(?P<value>[^\s\"',;]+)"
    ),
)
# Keys of the daemon (Z85, 40 letters) and other long chance strings; hashes of files stay.
_CHANCE = re.compile(
    r"(?<![\w./<>-])(?![0-9a-f]{40,64}\b)(?![/<])[A-Za-z0-9.\-:+=^!*?&<>()\[\]{}@%$#/_]{40,}"
)
# What programs quote is mostly the user's; their own names are plain words in small letters.
_QUOTED = re.compile(r"(?<!\w)(?P<quote>[\"'])(?P<said>[^\"'\n]+)(?P=quote)(?!\w)")
_NO_NAME = re.compile(r"[a-z0-9_.:-]{1,40}|<[A-Z]+>[^\s]*")
_STEERING = re.compile(r"(?i)\b(prompts?|captions?|lyrics)\b[^:=\n]{0,20}[:=].*")
_HIDDEN = "HIDDEN"


class Redactor:
    """Takes the same user's names out of many texts."""

    def __init__(
        self,
        *,
        home: Path | None = None,
        user: str | None = None,
        host: str | None = None,
        environment: Mapping[str, str] = os.environ,
        private: Iterable[str] = (),
    ) -> None:
        """Know whose names to take out; None means this user's, on this machine.

        Args:
            home: the user's folder.
            user: the user's name.
            host: the machine's.
            environment: variables, of which keys are taken out wherever they stand.
            private: what else is the user's own, such as names of cues.
        """
        self._home = str(home or Path.home())
        self._folders = [
            (str(data_folder()), "DATA"),
            (str(cache_folder()), "CACHE"),
            (str(log_folder()), "LOG"),
            (str(runtime_folder()), "RUN"),
            (sys.prefix, "PYTHON"),
            (self._home, "HOME"),
            (tempfile.gettempdir(), "TEMP"),
        ]
        self._folders.sort(key=lambda pair: -len(pair[0]))
        names = {user if user is not None else _user(): "USER", Path(self._home).name: "USER"}
        for name in (host if host is not None else socket.gethostname(), _node()):
            names |= {name: "HOST", name.partition(".")[0]: "HOST"}
        self._names = [
            (re.compile(rf"(?<![A-Za-z0-9]){re.escape(name)}(?![A-Za-z0-9])", re.IGNORECASE), put)
            for name, put in sorted(names.items(), key=lambda pair: -len(pair[0]))
            if len(name) > 1
        ]
        # The values of variables that are keys, wherever they turn up.
        self._values = [
            value
            for name, value in environment.items()
            if re.search(r"KEY|TOKEN|SECRET|PASS", name.upper()) and len(value) >= 6
        ]

        self._private = tuple(
            dict.fromkeys(one.lower() for one in private if len(one) >= _SHORTEST)
        )

    def text(self, text: str) -> str:
        """`text` without what is the user's own; what of a line is beyond all use is left out."""
        return "\n".join(self._line(line) for line in text.split("\n"))

    def _line(self, text: str) -> str:
        if len(text) > _LONGEST:
            text = f"{text[:_LONGEST]}..."
        for value in self._values:
            text = text.replace(value, _HIDDEN)
        for word in self._private:
            # Looked for plainly first: there may be thousands.
            if word in text.lower():
                whole = rf"(?<![^\W_]){re.escape(word)}(?![^\W_])"
                text = re.sub(whole, _HIDDEN, text, flags=re.IGNORECASE)
        text = _STEERING.sub(rf"\1: {_HIDDEN}", text)
        for pattern in _SECRETS:
            text = pattern.sub(_without_secret, text)
        text = _QUOTED_PATH.sub(lambda match: self._path(match[0]), text)
        text = _PATH_WITH_ENDING.sub(lambda match: self._path(match[0]), text)
        text = _PATH.sub(lambda match: self._path(match[0]), text)
        text = _CHANCE.sub(_HIDDEN, text)
        text = _BARE_NAME.sub(f" FILE{_HIDDEN}", text)
        text = _QUOTED.sub(_quoted, text)
        for pattern, put in self._names:
            text = pattern.sub(put, text)
        return text

    def _path(self, said: str) -> str:
        """A path by what it begins with: below the user's folders nothing is told but that."""
        quote = said[0] if said[0] in "\"'" else ""
        path = said.strip(quote) if quote else said
        if not quote and path.endswith((".", ":")):
            return self._path(path[:-1]) + path[-1]
        for folder, name in self._folders:
            if path == folder or path.startswith((f"{folder}/", f"{folder}\\")):
                rest = path[len(folder) :]
                shown = rest if name == "PYTHON" and not _ending(rest) else _first(rest, name)
                return f"{quote}<{name}>{shown}{quote}"
        if path.startswith(_PUBLIC) and not _ending(path):
            return said
        return f"{quote}<PATH>{quote}"


_OURS = ("takes", "models", "environments", "daemons", "jobs", "demo")


def _first(rest: str, folder: str) -> str:
    """What of a path below one of the user's folders is ours and not his."""
    parts = [part for part in re.split(r"[\\/]", rest) if part]
    if folder in ("DATA", "CACHE", "LOG", "RUN") and parts:
        known = parts[0] in _OURS or re.fullmatch(r"[a-z.-]+\.(?:sqlite3|json|log|lock)", parts[0])
        return f"/{parts[0]}" + ("/..." if len(parts) > 1 else "") if known else "/..."
    return "/..." if parts else ""


def _ending(path: str) -> bool:
    return re.search(_ENDING, path, re.IGNORECASE) is not None


def _quoted(match: re.Match[str]) -> str:
    quote = match["quote"]
    return match[0] if _NO_NAME.fullmatch(match["said"]) else f"{quote}{_HIDDEN}{quote}"


def _without_secret(match: re.Match[str]) -> str:
    groups = match.groupdict()
    if groups.get("value"):
        return match[0].replace(groups["value"], _HIDDEN)
    return _HIDDEN


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return ""


def _node() -> str:
    import platform

    return platform.node()
