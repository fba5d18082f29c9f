"""`musiscene provenance`: how the music in a WAV file was made, whoever kept it meanwhile."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec

from musiscene_core.errors import InputError, RequestError
from musiscene_core.paths import data_folder
from musiscene_core.provenance.explaining import Explanation, explain
from musiscene_core.provenance.ledger import LEDGER_FILE, read_lines
from musiscene_core.provenance.statement import Statement
from musiscene_plugins.cli.terminal import result_console, shown_progress

_SAID = {
    "as made": "Made by MusiScene, and as it was made.",
    "changed": "Made by MusiScene, and changed since: cut, mixed, or saved in another form.",
    "unmarked": "Made by MusiScene: the ledger knows its samples. The file no longer says so.",
    "forged": "It claims to be made by MusiScene, but what it says of that was changed.",
    "not ours": "Nothing says that MusiScene made it.",
}


def run(arguments: argparse.Namespace) -> int:
    """Explain or sign a file, or check the ledger; returns the exit code."""
    words = list(arguments.words)
    library = Path(arguments.library).expanduser() if arguments.library else data_folder()
    if words == ["check"]:
        return _check(library, as_json=arguments.json)
    if len(words) == 2 and words[0] == "sign":
        return _sign(Path(words[1]), arguments)
    if len(words) != 1:
        raise RequestError("One file at a time.", hint="Write `musiscene provenance FILE`.")
    with shown_progress(quiet=arguments.json) as show:
        show("Reading it, and what the library has", 0.0)
        found = explain(Path(words[0]).expanduser(), library)
    signature = _signature(Path(words[0]).expanduser())
    if arguments.json:
        sys.stdout.write(json.dumps(_plain(found, signature)) + "\n")
        return 0
    console = result_console()
    for line in _lines(found, signature):
        console.print(line, markup=False)
    return 0


def _lines(found: Explanation, signature: str) -> Iterator[str]:
    yield _SAID[found.verdict]
    if found.form:
        yield f"  Its samples were compared as they are decoded ({found.form})."
    if found.piece is not None:
        at, own = found.piece.file_s, found.piece.own_s
        yield f"  What it has at {own:.2f} s is what {found.piece.file} has at {at:.2f} s."
    if found.cut:
        yield "  The file ends before it should: it was cut short."
    if found.statement is not None and found.verdict != "forged":
        yield from (f"  {line}" for line in _about(found.statement, found.part))
    if found.line is not None:
        when = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(found.line.time))
        yield f"  In this library's ledger, line {found.line.number}: {found.line.place}, {when}"
    elif found.looked:
        yield "  This library's ledger does not know it."
    if found.chain:
        yield f"  The ledger itself was tampered with: {found.chain}"
    if signature:
        yield f"  {signature}"
    if found.statement is not None and found.line is None and not signature:
        yield "  The file says so of itself; neither a ledger nor a signature confirms it."


def _about(made: Statement, part: str) -> Iterator[str]:
    use = (
        "may be used commercially"
        if made.commercial_use
        else "commercial use not allowed, or not known"
    )
    yield f"{made.cue}, {made.take}" + (f": {part}" if part else "")
    model = f", {made.model} ({made.model_hash[:12] or 'no hash'})" if made.model else ""
    yield f"{made.software}, {made.engine} {made.engine_version}{model}, seed {made.seed}"
    yield f"{made.licence}: {use}"
    if made.prompt:
        yield f"Prompt: {made.prompt}"
    for one in made.words:
        by = one.writer or one.origin
        adapters = "".join(f", with {name} at {weight:g}" for name, weight in one.adapters)
        edited = ", edited since" if one.edited else ""
        yield f"Words ({one.caption}): by {by}{adapters}{edited}"
    if made.conformed_from:
        yield "Fitted from an earlier take."
    yield f"Brief {made.brief[:12]}, request {made.request[:12]}"


def _plain(found: Explanation, signature: str) -> dict[str, object]:
    line = found.line
    return {
        "verdict": found.verdict,
        "part": found.part,
        "statement": msgspec.to_builtins(found.statement) if found.statement else None,
        "name": found.name,
        "sound": found.sound,
        "cut": found.cut,
        "form": found.form,
        "piece": None
        if found.piece is None
        else {
            "file": str(found.piece.file),
            "file_s": found.piece.file_s,
            "own_s": found.piece.own_s,
        },
        "ledger": None
        if line is None
        else {"line": line.number, "place": line.place, "time": line.time, "hash": line.hash},
        "ledger_problem": found.chain,
        "signature": signature,
    }


def _check(library: Path, *, as_json: bool) -> int:
    count, last, problems = 0, "", []
    for line in read_lines(library / LEDGER_FILE):
        count, last = line.number, line.hash
        if line.problem:
            problems.append(line.problem)
    if as_json:
        told = {"lines": count, "last": last, "problems": problems}
        sys.stdout.write(json.dumps(told) + "\n")
        return 2 if problems else 0
    if problems:
        raise InputError(
            f"{library / LEDGER_FILE} is not as it was written: {problems[0]}",
            hint="Restore it from a backup; takes say of themselves how they were made.",
        )
    said = (
        f"The ledger holds: {count} takes. Its last hash: {last}" if count else "No take was noted."
    )
    result_console().print(said, markup=False)
    return 0


def _signature(path: Path) -> str:
    """Who signed the file, where anyone did and it can be told here."""
    from musiscene_core.provenance.signing import signature_of

    return signature_of(path)


def _sign(path: Path, arguments: argparse.Namespace) -> int:
    from musiscene_core.provenance.signing import sign

    if not arguments.certificate or not arguments.key:
        raise RequestError(
            "Signing takes a certificate and its key.",
            hint="Write --certificate chain.pem --key key.pem.",
        )
    source = path.expanduser()
    target = Path(arguments.output) if arguments.output else source.with_suffix(".signed.wav")
    sign(source, target, Path(arguments.certificate), Path(arguments.key), library=data_folder())
    if arguments.json:
        sys.stdout.write(json.dumps({"path": str(target)}) + "\n")
    else:
        result_console().print(f"Signed: {target}", markup=False)
    return 0
