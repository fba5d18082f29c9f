"""What a sound file is, by what it says of itself, its samples, and a library's ledger and takes.

WAV files are read chunk by chunk; of others, tags and decoded samples tell.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal, NamedTuple

from musiscene_core.errors import InputError, MediaError
from musiscene_core.media.lossless import pcm24_sha256, sound_told
from musiscene_core.provenance.ledger import LEDGER_FILE, Line, read_lines
from musiscene_core.provenance.marks import Mark, find_mark, named_in
from musiscene_core.provenance.pieces import Piece, find_piece
from musiscene_core.provenance.riff import is_wav, read_wav, sound_sha256
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
        sound: SHA-256 of its samples as they lie in it; of no WAV file, and where the samples of
            another width are those of a take, as they are decoded to 24 bits. Empty where lossy.
        cut: whether the file ends before it should.
        line: the ledger's on it; None where it has none.
        chain: what is wrong with the ledger, as far as it was read; empty where all holds.
        looked: whether there was a ledger to look into.
        form: how its sound is written, where it was compared as it is decoded.
        piece: where its samples lie in a take that is still here, where only that told.
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
    form: str = ""
    piece: Piece | None = None


def explain(path: Path, library: Path | None = None) -> Explanation:
    """What the sound file at `path` is.

    Args:
        path: of a WAV file, or of any other sound.
        library: the data folder whose ledger and takes to ask; None asks the file alone.

    Raises:
        MediaError: it is not there, or no sound file.
        InputError: the ledger cannot be read.
    """
    if path.is_file() and not is_wav(path):
        told = sound_told(path)
        sound = _decoded(path)
        cut = sound is None
        return _explained(named_in(told.tags), sound or "", library, cut=cut, form=told.codec)
    wav = read_wav(path)
    sound = sound_sha256(path, wav)
    found = find_mark(path, wav)
    first = _explained(found, sound, library, cut=wav.cut)
    if first.verdict == "changed" and not wav.cut:
        # As another width the same samples are other bytes.
        again = _explained(found, _decoded(path) or "", library, form="another width")
        if again.verdict == "as made":
            return again
    only_named = first.verdict == "changed" and found is not None and not found.text
    if library is None or not (only_named or first.verdict == "not ours"):
        return first
    piece = find_piece(path, wav, library)
    if piece is None or first.statement is not None:
        return first._replace(piece=piece)
    from_take = find_mark(piece.file, read_wav(piece.file))
    said = _explained(from_take, sound, library, cut=wav.cut)
    return said._replace(piece=piece) if said.statement is not None else first


def _decoded(path: Path) -> str | None:
    """What pcm24_sha256 says; None where the sound ends in the middle or is damaged."""
    try:
        return pcm24_sha256(path)
    except MediaError:
        return None


def _explained(
    found: Mark | None, sound: str, library: Path | None, *, cut: bool = False, form: str = ""
) -> Explanation:
    """What a file is that says `found` and has the samples `sound`."""
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
    return Explanation(verdict, statement, name, part, sound, cut, line, chain, looked, form)


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
        elif sound and sound in line.statement:
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
    if not sound:
        return ""
    if statement.sound.get(said) == sound:
        return said
    return next((part for part, one in statement.sound.items() if one == sound), "")
