"""Takes as they are made: marked by the worker, noted in the ledger once they are published."""

from __future__ import annotations

import logging
from pathlib import Path

import msgspec

from musiscene_core.codec import to_json, write_atomically
from musiscene_core.errors import MediaError, MusiSceneError
from musiscene_core.library.folders import SkippedError, read_bounded
from musiscene_core.provenance.ledger import Ledger
from musiscene_core.provenance.marks import mark
from musiscene_core.provenance.riff import read_wav, sound_sha256
from musiscene_core.provenance.statement import MAX_STATEMENT, STATEMENT_FILE, statement_of
from musiscene_core.request import ScoreRequest
from musiscene_core.take import Take

log = logging.getLogger(__name__)


class Sidecar(msgspec.Struct, frozen=True, kw_only=True):
    """What lies beside a take's files.

    Attributes:
        statement: its text, as in each file.
        made: Unix time, in seconds.
    """

    statement: str
    made: float = 0.0


def state(take: Take, request: ScoreRequest, folder: Path, made: float) -> None:
    """Say in the files of `take`, and beside them, how it was made. Samples stay as they are.

    Args:
        take: finished, its files in `folder`.
        request: what it was made from.
        folder: of the take.
        made: Unix time, in seconds.

    Raises:
        OutputError: a file cannot be written.
    """
    sound: dict[str, str] = {}
    for part in take.files:
        if part.lower().endswith(".wav"):
            try:
                sound[part] = sound_sha256(folder / part, read_wav(folder / part))
            except MediaError as error:
                # An engine of others may call anything so; its take is not lost for that.
                log.warning("a file of the take bears no statement: %s", error.message)
    statement = statement_of(take, request, sound)
    mark(folder, statement)
    write_atomically(folder / STATEMENT_FILE, to_json(Sidecar(statement=statement.text, made=made)))


def note(ledger: Ledger, takes: Path, place: str) -> bool:
    """Note the take at `place` below `takes` in the ledger; one without a statement is passed over.

    Raises:
        OutputError: the ledger cannot be written.
    """
    try:
        data = read_bounded(takes / place / STATEMENT_FILE, 2 * MAX_STATEMENT)
        sidecar = msgspec.json.decode(data, type=Sidecar)
    except (
        OSError,
        SkippedError,
        msgspec.MsgspecError,
        MusiSceneError,
        RecursionError,
        ValueError,
    ):
        return False
    return ledger.note(place, sidecar.statement, sidecar.made)
