"""Clients' questions about the take library, answered from the index without waiting."""

from __future__ import annotations

from musiscene_core.errors import UnknownJobError
from musiscene_core.library import Catalogue
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
from musiscene_daemon.jobs import Jobs
from musiscene_daemon.removal import delete_take, purge
from musiscene_daemon.takes import TakeLibrary


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

    def _ended(self, job_id: str) -> bool:
        try:
            return self._jobs.info(job_id).ended
        except UnknownJobError:
            return True
