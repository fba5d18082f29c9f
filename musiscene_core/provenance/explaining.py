"""What a WAV file is, by what it says of itself, by its samples, and by a library's ledger."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, NamedTuple

from musiscene_core.errors import InputError
from musiscene_core.provenance.ledger import LEDGER_FILE, Line, read_lines
from musiscene_core.provenance.marks import find_mark
from musiscene_core.provenance.riff import read_wav, sound_sha256
from musiscene_core.provenance.statement import Statement, read_statement

Verdict = Literal["as made", "changed", "unmarked", "forged", "not ours"]
"""as made: the samples are those that the statement names.
changed: the statement names others: edited, mixed, cut or converted since.
unmarked: it says nothing of itself, but the ledger knows its samples.
forged: its statement is not the one that it names.
not ours: neither it nor the ledger says anything."""


class Explanation(NamedTuple):
    """What is known of a file.

    Attributes:
        verdict: see Verdict.
        statement: how it was made; None where nobody says.
        name: what the statement is named by; empty where there is none.
        part: which of the take's files it is; empty where it is none of them any more.
        sound: SHA-256 of its samples.
        cut: whether the file ends before it should.
        line: the ledger's on it; None where it has none.
        chain: what is wrong with the ledger, as far as it was read; empty where all holds.
        looked: whether there was a ledger to look into.
    """

    verdict: Verdict
    statement: Statement | None
    name: str
    part: str
    sound: str
    cut: bool
    line: Line | None = None
    chain: str = ""
    looked: bool = False


def explain(path: Path, library: Path | None = None) -> Explanation:
    """What the WAV file at `path` is.

    Args:
        path: of any WAV file.
        library: the data folder whose ledger to ask; None asks the file alone.

    Raises:
        MediaError: it is not there, or no WAV file.
        InputError: the ledger cannot be read.
    """
    wav = read_wav(path)
    sound = sound_sha256(path, wav)
    found = find_mark(path, wav)
    ledger = library / LEDGER_FILE if library is not None else None
    looked = ledger is not None and ledger.exists()
    line, chain = (None, "")
    if ledger is not None:
        line, chain = _looked_up(ledger, found.name if found is not None else "", sound)
    text = found.text if found is not None and found.sound else ""
    if not text and line is not None:
        text = line.statement
    statement = _statement(text)
    part = "" if statement is None else _part(statement, sound, found.part if found else "")
    verdict: Verdict
    if found is not None and found.text and not found.sound:
        verdict = "forged"
    elif statement is None:
        verdict = "not ours"
    elif not part:
        verdict = "changed"
    elif found is None:
        verdict = "unmarked"
    else:
        verdict = "as made"
    name = found.name if found is not None else (line.name if line is not None else "")
    return Explanation(verdict, statement, name, part, sound, wav.cut, line, chain, looked)


def _looked_up(ledger: Path, name: str, sound: str) -> tuple[Line | None, str]:
    """The ledger's last line on a statement, else on samples; and the first break of its chain."""
    by_name = by_sound = None
    chain = ""
    for line in read_lines(ledger):
        chain = chain or line.problem
        if line.problem:
            continue
        if name and line.name == name:
            by_name = line
        elif sound in line.statement:
            # The statement's text is short, and holds each file's hash as it is.
            by_sound = line
    return by_name or by_sound, chain


def _statement(text: str) -> Statement | None:
    if not text:
        return None
    try:
        return read_statement(text)
    except InputError:
        return None


def _part(statement: Statement, sound: str, said: str) -> str:
    """Which file of the take it is; silent stems are alike, so what it says goes first."""
    if statement.sound.get(said) == sound:
        return said
    return next((part for part, one in statement.sound.items() if one == sound), "")
