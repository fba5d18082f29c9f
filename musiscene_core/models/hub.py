"""Fetching a model's files from the hub: only those wanted, gone on with, checked as they arrive.

Speaks through huggingface_hub, which is imported when it is first needed. HF_ENDPOINT, HF_TOKEN
and HF_HUB_OFFLINE mean what they mean everywhere.
"""

from __future__ import annotations

import hashlib
import importlib.util
import logging
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from musiscene_core.errors import EngineError, InputError, ModelError, OutputError
from musiscene_core.models.hashing import file_sha256
from musiscene_core.models.registry import RegisteredModel
from musiscene_core.models.shelf import FileRecord
from musiscene_core.progress import Progress

log = logging.getLogger(__name__)

_OFFLINE = "HF_HUB_OFFLINE is set: nothing is downloaded."
_OFFLINE_HINT = "Unset it, or get the files elsewhere and `musiscene models add` their folder."
_AGAIN = "Run the command again: it goes on where it stopped."
_TRIES_WITHOUT_A_BYTE = 4
_PAUSE_S = 0.5
_PIECE_BYTES = 1 << 18
"""Written at a time. Of a connection that breaks, less than this is lost; by itself it is 10 MB."""
_PART = ".part"
_PICKLED = (".bin", ".pth", ".th", ".pt")
_CHECKING = 0.1
"""Share of the progress that checking gets, after downloading."""


class RemoteFile(NamedTuple):
    """A file on the hub.

    Attributes:
        path: in its repository.
        bytes: its length.
        sha256: as the hub states it; empty for small files, which it knows by `blob`.
        blob: git's name of its content: SHA-1.
    """

    path: str
    bytes: int
    sha256: str
    blob: str


class Remote(NamedTuple):
    """A model on the hub, before it is downloaded.

    Attributes:
        repo: "owner/name".
        revision: the commit.
        licence: as its card names it; empty where it does not.
        files: those wanted.
    """

    repo: str
    revision: str
    licence: str
    files: tuple[RemoteFile, ...]

    @property
    def bytes(self) -> int:
        """Of the wanted files."""
        return sum(file.bytes for file in self.files)


def look(model: RegisteredModel) -> Remote:
    """What the hub has of `model`.

    Raises:
        EngineError: huggingface_hub is not installed.
        InputError: the hub is out of reach, or has no such model, or wants a token first.
    """
    hub = _hub()
    with _understood(model):
        info = hub.HfApi(endpoint=_endpoint(), library_name="musiscene").model_info(
            model.repo, revision=model.revision, files_metadata=True, timeout=30
        )
    files = [
        RemoteFile(
            path=one.rfilename,
            bytes=one.size or 0,
            sha256=one.lfs.sha256 if one.lfs else "",
            blob=one.blob_id or "",
        )
        for one in info.siblings or ()
    ]
    wanted = wanted_files(files, model.files)
    if not wanted:
        raise InputError(
            f"{model.repo} has none of the files that {model.name} needs.",
            hint=f"It may have changed; get its files by hand and `musiscene models add` them. "
            f"Wanted: {', '.join(model.files)}.",
        )
    card = getattr(info, "card_data", None)
    licence = str(getattr(card, "license", "") or "") if card is not None else ""
    return Remote(model.repo, str(info.sha or model.revision), licence, wanted)


def wanted_files(files: list[RemoteFile], patterns: tuple[str, ...]) -> tuple[RemoteFile, ...]:
    """Those that match; weights as safetensors go before the same as pickles."""
    found = [file for file in files if any(_matches(file.path, one) for one in patterns)]
    if any(file.path.endswith(".safetensors") for file in found):
        found = [file for file in found if not file.path.endswith(_PICKLED)]
    weighty = (".safetensors", ".npz", *_PICKLED)
    return tuple(found) if any(file.path.endswith(weighty) for file in found) else ()


def _matches(path: str, pattern: str) -> bool:
    safe = not path.startswith(("/", ".")) and ".." not in path.split("/") and "\\" not in path
    return safe and path.count("/") == pattern.count("/") and fnmatchcase(path, pattern)


def download(
    model: RegisteredModel, remote: Remote, folder: Path, progress: Progress
) -> tuple[FileRecord, ...]:
    """Bring the files into `folder`, which may hold part of them from an earlier try.

    Raises:
        InputError: the connection breaks again and again, or the hub refuses.
        ModelError: what arrived is not what the hub says it has.
        OutputError: no space or no permission.
    """
    hub = _hub()
    total = max(1, remote.bytes)
    whole = 0
    for file in remote.files:
        part = _Counted(progress, file, whole, total)
        _fetch(hub, model, remote, file, folder, part)
        whole += file.bytes
    found, done = [], 0
    for file in remote.files:
        begin = 1 - _CHECKING + _CHECKING * done / total
        found.append(_checked(folder, file, model, progress, begin, _CHECKING * file.bytes / total))
        done += file.bytes
    return tuple(found)


class _Counted:
    """How far one file is, as a part of them all."""

    def __init__(self, progress: Progress, file: RemoteFile, before: int, total: int) -> None:
        self._progress = progress
        self._file = file
        self._before = before
        self._total = total
        self.got = 0

    def at(self, count: int) -> None:
        """`count` bytes of the file are here."""
        self.got = count
        done = (self._before + min(count, self._file.bytes)) / self._total
        self._progress(f"Downloading {self._file.path}", (1 - _CHECKING) * done)

    def bar(self) -> type[Any]:
        """What huggingface_hub counts with, which is shown by us and not by it."""
        return _bar(self.at)


def _bar(said: Callable[[int], None]) -> type[Any]:
    """A class that counts as tqdm does, and draws nothing."""
    from tqdm.std import tqdm

    class Bar(tqdm):  # type: ignore[type-arg, misc, unused-ignore]
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            kwargs.pop("name", None)
            self.count = int(kwargs.get("initial") or 0)
            super().__init__(*args, **{**kwargs, "disable": True})
            said(self.count)

        def update(self, n: float | None = 1) -> bool | None:
            self.count += int(n or 0)
            said(self.count)
            return None

    return Bar


def _fetch(
    hub: Any,
    model: RegisteredModel,
    remote: Remote,
    file: RemoteFile,
    folder: Path,
    counted: _Counted,
) -> None:
    """One file; a connection that breaks is made again as long as it brings bytes."""
    without = 0
    while True:
        before = counted.got
        try:
            with _understood(model):
                _go_on(hub, remote, file, folder / file.path, counted)
            return
        except _BrokenError as error:
            without = 0 if counted.got > before else without + 1
            if without >= _TRIES_WITHOUT_A_BYTE:
                raise InputError(
                    f"{file.path} could not be fetched: {error.message}", hint=_AGAIN
                ) from error
            log.info("fetching %s again", file.path)
            time.sleep(_PAUSE_S * (without + 1))


def _go_on(hub: Any, remote: Remote, file: RemoteFile, path: Path, counted: _Counted) -> None:
    """Fetch what lacks of a file.

    With http_get and not with hf_hub_download, which begins anew in every process.
    """
    from huggingface_hub.file_download import http_get
    from huggingface_hub.utils import build_hf_headers

    if path.is_file() and path.stat().st_size == file.bytes:
        counted.at(file.bytes)
        return
    url = hub.hf_hub_url(remote.repo, file.path, revision=remote.revision, endpoint=_endpoint())
    about = hub.get_hf_file_metadata(url, endpoint=_endpoint(), library_name="musiscene")
    headers = build_hf_headers(library_name="musiscene")
    if urlsplit(about.location).netloc != urlsplit(url).netloc:
        # Another's machine, which the user's token is not for.
        headers.pop("authorization", None)
    part = path.with_name(f"{path.name}{_PART}")
    part.parent.mkdir(parents=True, exist_ok=True)
    with open(part, "ab") as opened:
        here = opened.tell()
        if here > file.bytes:
            opened.truncate(0)
            here = 0
        http_get(
            about.location,
            opened,
            resume_size=here,
            headers=headers,
            expected_size=file.bytes,
            displayed_filename=file.path,
            tqdm_class=counted.bar(),
        )
    os.replace(part, path)


def _checked(
    folder: Path,
    file: RemoteFile,
    model: RegisteredModel,
    progress: Progress,
    begin: float,
    share: float,
) -> FileRecord:
    path = folder / file.path
    sha256 = file_sha256(path, progress, begin, share)
    known = model.hashes.get(file.path)
    right = sha256 == (file.sha256 or sha256) and sha256 == (known or sha256)
    if right and not file.sha256 and file.blob:
        right = _git_blob(path) == file.blob
    if not right:
        # It would be taken for whole the next time.
        path.unlink(missing_ok=True)
        raise ModelError(
            f"{file.path} arrived damaged: its hash is not the one that the hub states.",
            hint="Run the command again: that file is fetched anew.",
        )
    return FileRecord(path=file.path, bytes=path.stat().st_size, sha256=sha256)


def _git_blob(path: Path) -> str:
    """What git calls the file's content."""
    data = path.read_bytes()
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


class _BrokenError(InputError):
    """The connection broke, which may be mended by trying again."""


@contextmanager
def _understood(model: RegisteredModel) -> Iterator[None]:
    """Have what huggingface_hub says said as one of our errors."""
    import httpx2
    from huggingface_hub import errors

    page = f"{_endpoint()}/{model.repo}"
    try:
        yield
    except errors.OfflineModeIsEnabled as error:
        raise InputError(_OFFLINE, hint=_OFFLINE_HINT) from error
    except errors.GatedRepoError as error:
        raise InputError(
            f"The hub gives {model.name} only to those who accepted its licence.",
            hint=f"Accept it on {page}, make a token there, and set HF_TOKEN to it.",
        ) from error
    except (errors.RepositoryNotFoundError, errors.RevisionNotFoundError) as error:
        raise InputError(
            f"The hub has no {model.repo}, or does not show it to you.",
            hint=f"Look at {page}; where it asks for a token, set HF_TOKEN.",
        ) from error
    except errors.HfHubHTTPError as error:
        status = error.response.status_code
        if status >= 500 or status in (408, 429):
            raise _BrokenError(f"the hub answered with {status}.", hint=_AGAIN) from error
        raise InputError(f"The hub refuses {model.repo}: status {status}.", hint=page) from error
    except (httpx2.HTTPError, errors.LocalEntryNotFoundError, errors.FileMetadataError) as error:
        said = str(error).strip().partition("\n")[0][:200] or type(error).__name__
        raise _BrokenError(f"the connection broke ({said}).", hint=_AGAIN) from error
    except OSError as error:
        if error.errno is None:
            # A body shorter than was said.
            raise _BrokenError("the connection ended too early.", hint=_AGAIN) from error
        raise OutputError.from_os(error, model.name) from error


def _endpoint() -> str:
    return (os.environ.get("HF_ENDPOINT") or "https://huggingface.co").rstrip("/")


def _hub() -> Any:
    if os.environ.get("HF_HUB_OFFLINE", "").upper() in ("1", "ON", "YES", "TRUE"):
        raise InputError(_OFFLINE, hint=_OFFLINE_HINT)
    if importlib.util.find_spec("huggingface_hub") is None:
        raise EngineError(
            "Pulling models needs huggingface_hub.", hint="Run: pip install 'musiscene[hub]'"
        )
    # Plain HTTP is what can be gone on with, and watched, byte by byte.
    os.environ.setdefault("HF_HUB_DISABLE_XET", "1")
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    import huggingface_hub
    from huggingface_hub import constants

    constants.DOWNLOAD_CHUNK_SIZE = _PIECE_BYTES
    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)
    return huggingface_hub
