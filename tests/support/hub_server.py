"""A hub on this machine: enough of its HTTP interface to pull a model, and the faults of a line."""

from __future__ import annotations

import hashlib
import json
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

COMMIT = "0123456789abcdef0123456789abcdef01234567"
_LARGE = 1 << 12
"""Files from this size on are stored as large ones, known by their SHA-256."""


class Hub:
    """What the server has, and what it does wrong.

    Attributes:
        repos: files by repository.
        cards: licences by repository.
        gated: repositories that want a token.
        drop_after: bytes of a body after which the connection is cut; None for never.
        drops: how often that happens still.
        only_once: whether nothing is sent any more once a connection was cut.
        spoiled: files of which other bytes are sent than were stated.
        busy: how many requests are answered with 503 first.
        asked: how often each method and path was asked for.
        ranges: the Range headers that came.
        sent: bytes of bodies sent in all.
    """

    def __init__(self) -> None:
        self.repos: dict[str, Mapping[str, bytes]] = {}
        self.cards: dict[str, str] = {}
        self.gated: set[str] = set()
        self.drop_after: int | None = None
        self.drops = 0
        self.only_once = False
        self.spoiled: set[str] = set()
        self.busy = 0
        self.asked: Counter[str] = Counter()
        self.ranges: list[str] = []
        self.sent = 0
        self.url = ""


@contextmanager
def running_hub() -> Iterator[Hub]:
    """A hub that answers while the context lasts."""
    hub = Hub()

    class Handler(_Handler):
        state = hub

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    hub.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    state: Hub
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def _answer(self, *, with_body: bool) -> None:
        hub, path = self.state, unquote(urlsplit(self.path).path)
        hub.asked[f"{self.command} {path}"] += 1
        if hub.busy:
            hub.busy -= 1
            self._short(503, {})
            return
        words = path.strip("/").split("/")
        about = words[:2] == ["api", "models"]
        repo = "/".join(words[2:4] if about else words[:2])
        if repo not in hub.repos:
            self._short(404, {"X-Error-Code": "RepoNotFound"})
        elif repo in hub.gated and not self.headers.get("Authorization"):
            self._short(403, {"X-Error-Code": "GatedRepo"})
        elif about:
            self._about(repo)
        elif words[2] == "resolve":
            self._file(repo, "/".join(words[4:]), with_body=with_body)
        else:
            self._short(404, {"X-Error-Code": "EntryNotFound"})

    def _about(self, repo: str) -> None:
        siblings = []
        for name, data in self.state.repos[repo].items():
            blob = {"rfilename": name, "size": len(data), "blobId": _blob(data)}
            if len(data) >= _LARGE:
                sha256 = hashlib.sha256(data).hexdigest()
                blob["lfs"] = {"sha256": sha256, "size": len(data), "pointerSize": 130}
            siblings.append(blob)
        card = {"license": self.state.cards.get(repo, "mit")}
        told = {"id": repo, "modelId": repo, "sha": COMMIT, "siblings": siblings, "cardData": card}
        body = json.dumps(told).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _file(self, repo: str, name: str, *, with_body: bool) -> None:
        hub = self.state
        if name not in hub.repos[repo]:
            self._short(404, {"X-Error-Code": "EntryNotFound"})
            return
        data = hub.repos[repo][name]
        etag = hashlib.sha256(data).hexdigest() if len(data) >= _LARGE else _blob(data)
        if name in hub.spoiled:
            data = data[:-1] + bytes([data[-1] ^ 1])
        begin = 0
        if asked := self.headers.get("Range"):
            hub.ranges.append(asked)
            begin = int(asked.removeprefix("bytes=").partition("-")[0])
        body = data[begin:]
        self.send_response(206 if begin else 200)
        if begin:
            self.send_header("Content-Range", f"bytes {begin}-{len(data) - 1}/{len(data)}")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("ETag", f'"{etag}"')
        self.send_header("X-Repo-Commit", COMMIT)
        self.send_header("Accept-Ranges", "bytes")
        self.end_headers()
        if not with_body:
            return
        cut = hub.drop_after
        if cut is not None and hub.drops and len(body) > cut:
            hub.drops -= 1
            body = body[:cut]
            if hub.only_once:
                hub.drop_after = 0
            self.close_connection = True
        self.wfile.write(body)
        hub.sent += len(body)
        if self.close_connection:
            self.wfile.flush()
            self.connection.close()

    def _short(self, status: int, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", "0")
        self.end_headers()


def _blob(data: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()
