"""What each user may ask. The local user may ask everything; a paired machine what is named here.

A paired machine sees and cancels its own jobs alone, and names media only under the declared
roots. What is not named here, it may not: a new request is the local user's until it is.
"""

from __future__ import annotations

from collections.abc import Callable

from musiscene_core.errors import DaemonError, RequestError
from musiscene_core.protocol.messages import (
    CancelJob,
    CancelJobs,
    Estimate,
    GetJob,
    GetModels,
    GetStatus,
    Hello,
    ListJobs,
    Ping,
    Request,
    Subscribe,
    Unsubscribe,
)
from musiscene_core.protocol.submissions import (
    SubmitCaption,
    SubmitCompose,
    SubmitConform,
    SubmitListen,
    SubmitScore,
    SubmitSpot,
)
from musiscene_core.request import MusicWish
from musiscene_daemon.auth import LOCAL_USER
from musiscene_daemon.roots import Roots

PAIRED_MAY = (
    *(Hello, Ping, GetStatus, GetModels, Estimate),
    *(SubmitSpot, SubmitScore, SubmitCompose, SubmitCaption, SubmitConform, SubmitListen),
    *(GetJob, ListJobs, CancelJob, CancelJobs, Subscribe, Unsubscribe),
)


class Rights:
    """Asked before every request."""

    def __init__(self, paired: Callable[[str], str], roots: Roots) -> None:
        """`paired` gives the name of a user who is paired still, empty for one who is not."""
        self._paired = paired
        self._roots = roots

    def check(self, user: str, request: Request) -> None:
        """Refuse what `user` may not ask.

        Raises:
            DaemonError: the user was revoked.
            RequestError: this user may not ask this, or names media outside the roots.
        """
        if user == LOCAL_USER:
            return
        if not self._paired(user):
            raise DaemonError(
                "This machine is no longer paired with the daemon.",
                hint="Pair it again: `musiscene pair` on the daemon's machine.",
            )
        if not isinstance(request, PAIRED_MAY):
            raise RequestError(
                "Only the user of the daemon's own machine may do this.", hint="Do it there."
            )
        if isinstance(request, SubmitSpot):
            self._roots.check(request.timeline)
        elif isinstance(request, SubmitScore | SubmitCaption):
            self._roots.check(request.request.brief.timeline)
        elif isinstance(request, SubmitConform):
            self._check_conform(request)
        elif isinstance(request, SubmitListen):
            for sound in request.request.sounds:
                self._roots.check_file(sound.media.path)
        if isinstance(request, SubmitScore | SubmitCompose):
            self._check_files(request.request)

    def _check_conform(self, wish: SubmitConform) -> None:
        if wish.take_id:
            raise RequestError(
                "A paired machine cannot name the daemon's takes.",
                hint="Send what the music was made from: its request.json.",
            )
        if wish.earlier and not self._roots.hold(wish.earlier):
            raise RequestError(
                "The take to fit is not in a folder open to paired machines.",
                hint="Leave it out: the music is made anew from its request.",
            )
        self._roots.check(wish.timeline)
        if wish.request is not None:
            self._roots.check(wish.request.brief.timeline)
            self._check_files(wish.request)

    def _check_files(self, wish: MusicWish) -> None:
        self._roots.check_file(wish.sounds)
        if wish.music is not None:
            self._roots.check_file(wish.music.media.path)

    def owner(self, user: str) -> str | None:
        """Whose jobs `user` may see and cancel; None means everybody's."""
        return None if user == LOCAL_USER else user

    def hears(self, user: str, owner: str) -> bool:
        """Whether `user` may hear of a job of `owner` now."""
        return user == LOCAL_USER or (user == owner and bool(self._paired(user)))
