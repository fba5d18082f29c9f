"""Clients' questions about the take library, answered from the index without waiting."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

import msgspec

from musiscene_core.errors import MusiSceneError, RequestError, UnknownJobError
from musiscene_core.library import Catalogue
from musiscene_core.library.folders import SkippedError, read_bounded
from musiscene_core.protocol.messages import (
    DeleteTake,
    ListTakes,
    MarkTake,
    PurgeTakes,
    Reply,
    TakeList,
    TakeReply,
    TakesDeleted,
)
from musiscene_core.protocol.submissions import SubmitConform
from musiscene_core.protocol.wire import MAX_FRAME_BYTES
from musiscene_core.request import ConformRequest, ScoreRequest
from musiscene_core.take import Take
from musiscene_daemon.jobs import Jobs
from musiscene_daemon.removal import delete_take, purge
from musiscene_daemon.takes import TakeLibrary

T = TypeVar("T")


class TakeDesk:
    """Answers for the library."""

    def __init__(self, library: TakeLibrary, jobs: Jobs) -> None:
        self._library = library
        self._catalogue = Catalogue(library.root)
        self._jobs = jobs

    def answer(self, request: ListTakes | MarkTake | DeleteTake | PurgeTakes) -> Reply:
        """The reply to `request`.

        Raises:
            MusiSceneError: there is no such take, or it must stay.
        """
        match request:
            case ListTakes(query=query):
                # The keeper looks at the folders: ten thousand of them would hold up the socket.
                return TakeList(self._catalogue.find(query, refresh=False))
            case MarkTake(take_id=take_id, favourite=favourite, label=label):
                take = self._catalogue.get(take_id)
                if favourite is not None:
                    take = self._catalogue.set_favourite(take.id, favourite)
                if label is not None:
                    take = self._catalogue.set_label(take.id, label)
                return TakeReply(take)
            case DeleteTake(take_id=take_id, even_favourite=even_favourite):
                take = delete_take(
                    *(self._library, self._catalogue, take_id),
                    even_favourite=even_favourite,
                    ended=self._ended,
                )
                return TakesDeleted(takes=1, bytes=take.size_bytes)
            case PurgeTakes():
                takes, freed, more = purge(self._library, self._catalogue, ended=self._ended)
                return TakesDeleted(takes=takes, bytes=freed, more=more)

    def conform(self, wish: SubmitConform) -> ConformRequest:
        """The work that `wish` asks for: a take stands for what it was made from, in its key.

        Whole in itself, so that it can be done even where the take is deleted before.

        Raises:
            RequestError: it names no music, or two, or the take does not say how it was made.
            InputError: there is no such take.
        """
        if (wish.request is None) != bool(wish.take_id):
            raise RequestError("Name the music to fit by a take or by its request, one of the two.")
        if wish.request is not None:
            return ConformRequest(
                request=wish.request, timeline=wish.timeline, earlier=wish.earlier
            )
        request, folder = self._made_from(wish.take_id)
        return ConformRequest(request=request, timeline=wish.timeline, earlier=folder)

    def _made_from(self, take_id: str) -> tuple[ScoreRequest, str]:
        record = self._catalogue.get(take_id)
        request = _read(Path(record.folder, "request.json"), ScoreRequest)
        take = _read(Path(record.folder, "take.json"), Take)
        if request.tonic is None:
            mode = request.mode or take.mode
            request = msgspec.structs.replace(request, tonic=take.tonic, mode=mode)
        request = msgspec.structs.replace(request, takes=1, seed=take.provenance.seed)
        return request, record.folder

    def _ended(self, job_id: str) -> bool:
        try:
            return self._jobs.info(job_id).ended
        except UnknownJobError:
            return True


def _read(path: Path, kind: type[T]) -> T:
    """A file of a take, as small as what a client may send."""
    try:
        return msgspec.json.decode(read_bounded(path, MAX_FRAME_BYTES), type=kind)
    except (
        *(OSError, SkippedError, MusiSceneError),
        *(msgspec.MsgspecError, RecursionError, ValueError),
    ) as error:
        raise RequestError(
            f"The take does not say how it was made: its {path.name} cannot be read.",
            hint="Score the new range instead.",
        ) from error
