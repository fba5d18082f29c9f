"""The pages listeners see, and what the browser sends back.

Nothing sent names a system, a scene or a file: versions go by tokens drawn for each listener.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path

import jinja2
import msgspec
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import (
    FileResponse,
    HTMLResponse,
    JSONResponse,
    PlainTextResponse,
    RedirectResponse,
    Response,
)
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from musiscene_core.errors import MusiSceneError
from musiscene_training.survey.plan import MEDIA_FOLDER, Survey
from musiscene_training.survey.store import Listener, Store, Version

CODE_COOKIE, ACCESS_COOKIE = "survey_code", "survey_access"
_WEB = Path(__file__).parent / "web"
_YEAR_S = 365 * 24 * 3600
_MAX_BODY = 16 << 10
_MAX_REMARK = 4000
_TYPES = {".mp4": "video/mp4", ".flac": "audio/flac"}
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    # The address holds the listener's code.
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


class Rating(msgspec.Struct, forbid_unknown_fields=True):
    """An answer as the browser sends it."""

    token: str
    question: str
    value: int


class Hearing(msgspec.Struct, forbid_unknown_fields=True):
    """How many more seconds of a version were played."""

    token: str
    seconds: float


class Remark(msgspec.Struct, forbid_unknown_fields=True):
    """What a listener adds at the end."""

    text: str


def build_app(survey: Survey, folder: Path, store: Store, access: str = "") -> Starlette:
    """The survey in `folder` as a web application.

    Args:
        survey: what was prepared there.
        folder: with its media.
        store: where ratings go.
        access: what the address must carry to be let in; "" lets in this machine alone.
    """
    site = _Site(survey, folder, store)
    inside = [Middleware(_Guard, access=access)]
    if not access:
        # Another site's name that leads here shall not read along.
        hosts = ["127.0.0.1", "localhost", "[::1]"]
        inside.insert(0, Middleware(TrustedHostMiddleware, allowed_hosts=hosts))
    return Starlette(
        routes=[
            Route("/", site.welcome),
            Route("/begin", site.begin, methods=["POST"]),
            Route("/continue", site.resume),
            Route("/s/{code}", site.onward),
            Route("/s/{code}/done", site.done),
            Route("/s/{code}/done", site.finish, methods=["POST"]),
            Route("/s/{code}/{page:int}", site.page),
            Route("/s/{code}/rate", site.rate, methods=["POST"]),
            Route("/s/{code}/heard", site.heard, methods=["POST"]),
            Route("/m/{token}", site.media),
            Mount("/static", StaticFiles(directory=_WEB / "static")),
        ],
        middleware=inside,
        exception_handlers={MusiSceneError: _explained},
    )


class _Guard:
    """Lets in who carries the access token, and adds the headers every answer has."""

    def __init__(self, app: ASGIApp, access: str) -> None:
        self._app = app
        self._access = access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def dressed(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        answer = self._refused(Request(scope))
        await (answer or self._app)(scope, receive, dressed)

    def _refused(self, request: Request) -> Response | None:
        if not self._access or self._fits(request.cookies.get(ACCESS_COOKIE, "")):
            return None
        if not self._fits(request.query_params.get("access", "")):
            return PlainTextResponse(
                "Open the survey with the whole address you were given.", HTTPStatus.FORBIDDEN
            )
        answer = RedirectResponse(request.url.path, HTTPStatus.SEE_OTHER)
        _set_cookie(answer, ACCESS_COOKIE, self._access)
        return answer

    def _fits(self, given: str) -> bool:
        return hmac.compare_digest(given.encode(), self._access.encode())


class _Site:
    """Answers each address; the store's work is done beside the event loop."""

    def __init__(self, survey: Survey, folder: Path, store: Store) -> None:
        self._survey = survey
        self._store = store
        self._questions = {question.key: question for question in survey.questions}
        media = folder / MEDIA_FOLDER
        self._files = {(item.scene, item.system): media / item.file for item in survey.items}
        self._pages = jinja2.Environment(
            loader=jinja2.FileSystemLoader(_WEB / "pages"),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )

    def welcome(self, request: Request) -> Response:
        """What it is about; on to where one was."""
        code = request.cookies.get(CODE_COOKIE, "")
        listener = self._store.listener(code) if code else None
        return self._shown("welcome.html", listener=listener, wrong="")

    def begin(self, _request: Request) -> Response:
        """A new listener's first page."""
        return self._let_in(self._store.begin(self._survey))

    def resume(self, request: Request) -> Response:
        """Where the listener of a typed code was."""
        typed = re.sub(r"[\s-]", "", request.query_params.get("code", "")).upper()[:40]
        listener = self._store.listener(typed)
        if listener is None:
            return self._shown("welcome.html", HTTPStatus.NOT_FOUND, listener=None, wrong=typed)
        return self._let_in(listener)

    def _let_in(self, listener: Listener) -> Response:
        answer = RedirectResponse(f"/s/{listener.code}", HTTPStatus.SEE_OTHER)
        _set_cookie(answer, CODE_COOKIE, listener.code)
        return answer

    def onward(self, request: Request) -> Response:
        """To the first page on which something is not rated."""
        listener = self._listener(request)
        if listener is None:
            return self._stranger()
        versions = self._store.versions(listener.number)
        open_pages = [version.page for version in self._unrated(listener, versions)]
        where = str(open_pages[0]) if open_pages else "done"
        return RedirectResponse(f"/s/{listener.code}/{where}", HTTPStatus.SEE_OTHER)

    def page(self, request: Request) -> Response:
        """A scene with its versions."""
        listener = self._listener(request)
        if listener is None:
            return self._stranger()
        number = int(request.path_params["page"])
        versions = self._store.versions(listener.number)
        shown = [version for version in versions if version.page == number]
        if not shown:
            return RedirectResponse(f"/s/{listener.code}", HTTPStatus.SEE_OTHER)
        return self._shown(
            "scene.html",
            listener=listener,
            number=number,
            versions=shown,
            pages=versions[-1].page,
            answers=self._store.answers(listener.number),
            text=self._survey.texts.get(shown[0].scene, ""),
        )

    def done(self, request: Request) -> Response:
        """The end; or back to what is missing."""
        listener = self._listener(request)
        if listener is None:
            return self._stranger()
        versions = self._store.versions(listener.number)
        if self._unrated(listener, versions):
            return RedirectResponse(f"/s/{listener.code}", HTTPStatus.SEE_OTHER)
        if not listener.finished:
            self._store.finish(listener.number, "")
        return self._shown("done.html", listener=listener, pages=versions[-1].page)

    async def finish(self, request: Request) -> Response:
        """Keep the remark."""

        def kept(listener: Listener, remark: Remark) -> HTTPStatus:
            if self._unrated(listener, self._store.versions(listener.number)):
                return HTTPStatus.CONFLICT
            self._store.finish(listener.number, remark.text[:_MAX_REMARK])
            return HTTPStatus.OK

        return await self._received(request, Remark, kept)

    async def rate(self, request: Request) -> Response:
        """Save an answer."""

        def saved(listener: Listener, rating: Rating) -> HTTPStatus:
            question = self._questions.get(rating.question)
            if question is None or rating.value not in question.values:
                return HTTPStatus.UNPROCESSABLE_ENTITY
            if self._owned(listener, rating.token) is None:
                return HTTPStatus.NOT_FOUND
            self._store.rate(rating.token, rating.question, rating.value)
            return HTTPStatus.OK

        return await self._received(request, Rating, saved)

    async def heard(self, request: Request) -> Response:
        """Save how long was listened."""

        def saved(listener: Listener, hearing: Hearing) -> HTTPStatus:
            if not 0 < hearing.seconds <= 3600:
                return HTTPStatus.UNPROCESSABLE_ENTITY
            if self._owned(listener, hearing.token) is None:
                return HTTPStatus.NOT_FOUND
            self._store.hear(hearing.token, hearing.seconds)
            return HTTPStatus.OK

        return await self._received(request, Hearing, saved)

    def media(self, request: Request) -> Response:
        """A version's film or sound; browsers ask for parts of it."""
        version = self._store.version(str(request.path_params["token"]))
        if version is None:
            return PlainTextResponse("Nothing is here.", HTTPStatus.NOT_FOUND)
        path = self._files[version.scene, version.system]
        return FileResponse(path, media_type=_TYPES[path.suffix])

    async def _received(
        self, request: Request, kind: type, handled: Callable[..., HTTPStatus]
    ) -> Response:
        # A form of another site cannot send this type without asking first.
        if request.headers.get("content-type", "").split(";")[0] != "application/json":
            return _said(HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
        body = b""
        async for piece in request.stream():
            body += piece
            if len(body) > _MAX_BODY:
                return _said(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        try:
            given = msgspec.json.decode(body, type=kind)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return _said(HTTPStatus.UNPROCESSABLE_ENTITY)

        def work() -> HTTPStatus:
            listener = self._listener(request)
            return handled(listener, given) if listener else HTTPStatus.NOT_FOUND

        return _said(await run_in_threadpool(work))

    def _listener(self, request: Request) -> Listener | None:
        return self._store.listener(str(request.path_params["code"]))

    def _owned(self, listener: Listener, token: str) -> Version | None:
        version = self._store.version(token)
        return version if version and version.listener == listener.number else None

    def _unrated(self, listener: Listener, versions: list[Version]) -> list[Version]:
        answers = self._store.answers(listener.number)
        return [
            version
            for version in versions
            if any((version.token, key) not in answers for key in self._questions)
        ]

    def _stranger(self) -> Response:
        return self._shown("welcome.html", HTTPStatus.NOT_FOUND, listener=None, wrong="this")

    def _shown(self, name: str, status: int = HTTPStatus.OK, **values: object) -> Response:
        page = self._pages.get_template(name)
        return HTMLResponse(
            page.render(
                title=self._survey.title,
                questions=self._survey.questions,
                has_picture=self._survey.has_picture,
                scenes=len(self._survey.scenes),
                systems=len(self._survey.systems),
                **values,
            ),
            status,
        )


def _set_cookie(answer: Response, name: str, value: str) -> None:
    answer.set_cookie(name, value, max_age=_YEAR_S, httponly=True, samesite="lax")


def _said(status: HTTPStatus) -> Response:
    return JSONResponse({"said": status.phrase}, status)


def _explained(_request: Request, error: Exception) -> Response:
    # Paths and reasons are for whoever holds the survey, on the server's own terminal.
    return PlainTextResponse(
        "This cannot be saved at the moment. Please tell whoever sent you here.",
        HTTPStatus.INSUFFICIENT_STORAGE,
    )
