"""A real HTTP server on the loopback that speaks the OpenAI chat protocol, faults included."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class LanguageService(ThreadingHTTPServer):
    """Answers with `answer`, in the way that `fault` says.

    Attributes:
        answers: what to say, one a request; the last again and again.
        fault: "" for none.
        faulty: how many requests go wrong.
        asked: the bodies that were posted.
        headers_seen: of each request.
        gone: set when the test is over, so that nothing hangs on.
    """

    daemon_threads = True

    def __init__(self, *answers: str, fault: str = "", faulty: int = 99) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers = list(answers) or ["Slow strings."]
        self.fault = fault
        self.faulty = faulty
        self.asked: list[dict[str, Any]] = []
        self.headers_seen: list[dict[str, str]] = []
        self.gone = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1"

    def handle_error(self, *_: object) -> None:
        """Clients of these tests hang up."""


class _Handler(BaseHTTPRequestHandler):
    server: LanguageService
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        self.server.headers_seen.append(dict(self.headers))
        self._send(b'{"data": [{"id": "tiny-model"}]}', "application/json")

    def do_POST(self) -> None:
        server = self.server
        server.headers_seen.append(dict(self.headers))
        server.asked.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        place = len(server.asked) - 1
        answer = server.answers[min(place, len(server.answers) - 1)]
        fault = server.fault if place < server.faulty else ""
        if fault == "hang":
            server.gone.wait(60)
        elif fault.isdigit():
            self._send(b"no", "text/plain", int(fault))
        elif fault == "redirect":
            self.send_response(307)
            self.send_header("Location", "http://127.0.0.1:9/v1/chat/completions")
            self.send_header("Content-Length", "0")
            self.end_headers()
        elif fault == "prose":
            self._send(b"<html>Hello, I am a web page.</html>", "text/html")
        elif fault == "whole":
            body = {"choices": [{"message": {"content": answer}}]}
            self._send(json.dumps(body).encode(), "application/json")
        elif fault == "hang up":
            self.close_connection = True
        else:
            self._stream(answer, fault)

    def _stream(self, answer: str, fault: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        self._write(b": a comment\n\n")
        words = answer.split(" ")
        for number, word in enumerate(words):
            if number == len(words) // 2:
                if fault == "truncated":
                    return
                if fault == "stalls":
                    self.server.gone.wait(60)
                if fault == "garbage":
                    self._write(b'data: {"choices": [{"del\n\n')
                if fault == "error midway":
                    self._write(b'data: {"error": {"message": "out of memory"}}\n\n')
            self._event(word if number == 0 else f" {word}")
        while fault == "endless" and not self.server.gone.is_set():
            self._event(" more" * 200)
        if fault == "endless line":
            while not self.server.gone.is_set():
                self._write(b"x" * 65_536)
        if fault == "no done":
            self._event("", finish_reason="stop")
            return
        self._write(b"data: [DONE]\n\n")

    def _event(self, piece: str, **more: str) -> None:
        event = {"choices": [{"delta": {"content": piece}, **more}]}
        self._write(f"data: {json.dumps(event)}\n\n".encode())

    def _write(self, data: bytes) -> None:
        self.wfile.write(data)
        self.wfile.flush()

    def _send(self, body: bytes, kind: str, status: int = 200) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@contextmanager
def language_service(*answers: str, fault: str = "", faulty: int = 99) -> Iterator[LanguageService]:
    """A service that runs while the block does."""
    service = LanguageService(*answers, fault=fault, faulty=faulty)
    thread = threading.Thread(target=service.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield service
    finally:
        service.gone.set()
        service.shutdown()
        thread.join()
        service.server_close()
