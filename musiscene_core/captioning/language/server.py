"""A language model behind an OpenAI-compatible server: llama.cpp, Ollama, vLLM and their like.

Speaks plain HTTP by the standard library: no proxy, no redirect, no cookie, so that a prompt
reaches the configured server and nobody else. The connection is served by a thread, so that
cancelling works while the server thinks. Protocol: POST /chat/completions, server-sent events.
"""

from __future__ import annotations

import http.client
import json
import queue
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from itertools import chain
from typing import Any
from urllib.parse import urlsplit

from musiscene_core.captioning.language.events import (
    MAX_ANSWER,
    NonsenseError,
    event_in,
    whole_answer,
)
from musiscene_core.captioning.language.model import Answer, OnPiece, Sampling, unwatched
from musiscene_core.captioning.language.settings import (
    LanguageSettings,
    is_this_machine,
)
from musiscene_core.errors import EngineError
from musiscene_core.progress import Progress, silent

ATTEMPTS = 3
_PAUSES_S = (0.3, 1.0)
_CONNECT_S = 10.0
_POLL_S = 0.1
_MAX_LINE = 1 << 20
_MAX_BYTES = 16 << 20
_LONGEST_S = 900.0
_TRY_AGAIN = (429, 500, 502, 503, 504)
_ASKING = "Asking the language model"


class _TryAgainError(Exception):
    """The server could not answer now, and nothing of an answer was heard yet."""


class LanguageServer:
    """One server, and one model there. Not for several threads."""

    def __init__(self, settings: LanguageSettings) -> None:
        """Prepare to ask the server that `settings.url` names; nothing is sent yet."""
        parts = urlsplit(settings.url)
        self._settings = settings
        self._secure = parts.scheme == "https"
        self._host = parts.hostname or ""
        self._port = parts.port or (443 if self._secure else 80)
        self._path = parts.path.rstrip("/")
        self._model = settings.model
        self._left_machine = False

    @property
    def name(self) -> str:
        """The server's address."""
        return self._settings.url

    def ask(
        self,
        prompt: str,
        sampling: Sampling,
        *,
        on_piece: OnPiece = unwatched,
        progress: Progress = silent,
    ) -> Answer:
        """Answer a prompt; see LanguageModel. Tries again where the server cannot just now."""
        reason = ""
        for attempt in range(ATTEMPTS):
            if attempt:
                self._pause(_PAUSES_S[attempt - 1], progress)
            try:
                model = self._model or self._first_listed(progress)
                return self._answer(model, prompt, sampling, on_piece, progress)
            except _TryAgainError as error:
                reason = str(error)
        raise EngineError(
            f"The language model at {self.name} cannot be asked: {reason}.",
            hint="Start it, or look whether its address is right.",
        )

    def _first_listed(self, progress: Progress) -> str:
        with self._connection() as exchange:
            exchange.send("GET", f"{self._path}/models", None, self._headers())
            body = b"".join(line for line in self._lines(exchange, progress))
        try:
            return str(json.loads(body)["data"][0]["id"])
        except (ValueError, LookupError, TypeError, RecursionError):
            raise self._nonsense("it does not list its models") from None

    def _answer(
        self, model: str, prompt: str, sampling: Sampling, on_piece: OnPiece, progress: Progress
    ) -> Answer:
        body = {
            "model": model,
            "messages": [{"role": "user", "content": prompt}],
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
            "top_k": sampling.top_k,
            "max_tokens": sampling.max_tokens,
            "seed": sampling.seed,
            "stream": True,
        }
        with self._connection() as exchange:
            data = json.dumps(body).encode()
            exchange.send("POST", f"{self._path}/chat/completions", data, self._headers())
            lines = self._lines(exchange, progress)
            try:
                text = self._streamed(exchange, lines, on_piece)
            except NonsenseError as error:
                raise self._nonsense(str(error)) from None
        return Answer(text=text, model=model, place=self.name, left_machine=self._left_machine)

    def _streamed(self, exchange: _Exchange, lines: Iterator[bytes], on_piece: OnPiece) -> str:
        first = next(lines, b"")
        if not exchange.is_stream:
            text = whole_answer(b"".join([first, *lines]))
            on_piece(text)
            return text
        pieces: list[str] = []
        length = 0
        ended = False
        for line in chain([first], lines):
            event = event_in(line)
            if event.text:
                pieces.append(event.text)
                length += len(event.text)
                on_piece(event.text)
            if length > MAX_ANSWER:
                raise NonsenseError("its answer does not end")
            if event.last:
                ended = True
                break
        if not ended:
            raise NonsenseError("its answer breaks off")
        return "".join(pieces)

    def _headers(self) -> dict[str, str]:
        headers = {"Content-Type": "application/json", "Accept": "text/event-stream"}
        if self._settings.key:
            headers["Authorization"] = f"Bearer {self._settings.key}"
        return headers

    def _connection(self) -> _Exchange:
        try:
            exchange = _Exchange(self._host, self._port, secure=self._secure)
        except (OSError, ssl.SSLError, http.client.HTTPException) as error:
            reason = getattr(error, "strerror", None) or type(error).__name__
            raise _TryAgainError(str(reason).lower()) from error
        here = is_this_machine(exchange.peer)
        if not (here or self._settings.remote):
            exchange.close()
            raise EngineError(
                f"{self._host} is another machine: nothing was sent to it.",
                hint="Where you want that, allow it: `musiscene language use --remote`.",
            )
        self._left_machine = not here
        return exchange

    def _lines(self, exchange: _Exchange, progress: Progress) -> Iterator[bytes]:
        """The lines of a good reply; heeds silence, its size, and whether it is still wanted."""
        began = heard_at = time.monotonic()
        size = 0
        for line in exchange.lines():
            now = time.monotonic()
            progress(_ASKING, 0.0)
            if line is None:
                if now - heard_at > self._settings.silence_s:
                    raise EngineError(
                        f"The language model at {self.name} has said nothing for "
                        f"{self._settings.silence_s:g} s.",
                        hint="It may be too large for this machine; try a smaller one.",
                    )
                continue
            heard_at = now
            size += len(line)
            if size > _MAX_BYTES or now - began > _LONGEST_S:
                raise self._nonsense("its answer does not end")
            if exchange.status != 200:
                self._refuse(exchange.status)
            yield line
        if exchange.status != 200:
            self._refuse(exchange.status)

    def _refuse(self, status: int) -> None:
        if status in _TRY_AGAIN:
            raise _TryAgainError(f"it answers {status}")
        hints = {
            401: "Set its key: `musiscene language use --key`.",
            403: "Set its key: `musiscene language use --key`.",
            404: "The address usually ends in /v1; or it has no such model.",
        }
        raise EngineError(
            f"The language model at {self.name} refuses ({status}).",
            hint=hints.get(status, "Its own log may say why."),
        )

    def _nonsense(self, reason: str) -> EngineError:
        return EngineError(
            f"The language model at {self.name} makes no sense: {reason}.",
            hint="It must speak the OpenAI protocol, as llama.cpp, Ollama and vLLM do.",
        )

    @staticmethod
    def _pause(seconds: float, progress: Progress) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            progress(_ASKING, 0.0)
            time.sleep(_POLL_S)


class _Exchange:
    """One request and its reply over a connection of their own, read by a thread."""

    def __init__(self, host: str, port: int, *, secure: bool) -> None:
        if secure:
            self._connection: http.client.HTTPConnection = http.client.HTTPSConnection(
                host, port, timeout=_CONNECT_S, context=ssl.create_default_context()
            )
        else:
            self._connection = http.client.HTTPConnection(host, port, timeout=_CONNECT_S)
        self._connection.connect()
        self.peer = str(self._connection.sock.getpeername()[0])
        # From here on the silence is counted by whoever waits for lines.
        self._connection.sock.settimeout(None)
        self._lines: queue.SimpleQueue[bytes | Exception | None] = queue.SimpleQueue()
        self.status = 0
        self.is_stream = False

    def __enter__(self) -> _Exchange:
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()

    def send(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> None:
        """Send the request; the reply is read from now on."""
        try:
            self._connection.request(method, path, body, headers)
        except (OSError, http.client.HTTPException) as error:
            raise _TryAgainError("it hangs up") from error
        threading.Thread(target=self._read, daemon=True, name="language-model").start()

    def lines(self) -> Iterator[bytes | None]:
        """The reply's lines, and None now and then while there is none."""
        while True:
            try:
                item = self._lines.get(timeout=_POLL_S)
            except queue.Empty:
                yield None
                continue
            if item is None:
                return
            if isinstance(item, Exception):
                if self.status in (0, *_TRY_AGAIN):
                    raise _TryAgainError("it hangs up") from item
                # Whoever reads sees that the answer is not whole.
                return
            yield item

    def close(self) -> None:
        """End it, whatever is still to come."""
        sock = self._connection.sock
        if sock is not None:
            with suppress(OSError):
                # Wakes the thread that reads.
                sock.shutdown(2)
        self._connection.close()

    def _read(self) -> None:
        try:
            reply = self._connection.getresponse()
            self.status = reply.status
            self.is_stream = "event-stream" in (reply.headers.get("Content-Type") or "")
            while line := reply.readline(_MAX_LINE):
                self._lines.put(line)
        except (OSError, ValueError, AttributeError, http.client.HTTPException) as error:
            # AttributeError: http.client's reader when its socket is closed under it.
            self._lines.put(error)
        else:
            self._lines.put(None)
