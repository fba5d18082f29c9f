"""`musiscene pair`: show a code on the daemon's machine, or use one on another."""

from __future__ import annotations

import argparse
import json
import sys
import time

import msgspec
from rich.table import Table

from musiscene_core.errors import InputError, RequestError
from musiscene_core.protocol import connect
from musiscene_core.protocol.connection import is_name, write_paired
from musiscene_core.protocol.messages import PairedList, PairingOpened
from musiscene_core.protocol.pairing import PairingCode, introduce, own_name
from musiscene_plugins.cli.terminal import result_console


def run(arguments: argparse.Namespace) -> int:
    """Show or use a code, list or revoke; returns the exit code."""
    if bool(arguments.code) + arguments.list + (arguments.revoke is not None) > 1:
        raise RequestError("Give a code, --list or --revoke: one of them.")
    if not arguments.code and (arguments.name or arguments.alias):
        raise RequestError("--name and --as go with a code.", hint="musiscene pair CODE")
    if arguments.code:
        _use("".join(arguments.code), arguments)
        return 0
    with connect() as client:
        if arguments.list:
            _show_paired(client.paired(), arguments.json)
        elif arguments.revoke is not None:
            client.revoke(arguments.revoke)
            _say(f"{arguments.revoke} is kept out.", arguments.json, revoked=arguments.revoke)
        else:
            _show_code(client.open_pairing(), arguments.json)
    return 0


def _use(text: str, arguments: argparse.Namespace) -> None:
    code = PairingCode.from_text(text)
    name = arguments.name or own_name()
    for wanted in (name, arguments.alias):
        if wanted is not None and not is_name(wanted):
            raise InputError(
                f"{wanted[:80]!r} is no name.",
                hint="A name has up to 64 letters, digits, dots, dashes and underscores.",
            )
    host, connection = introduce(code, name)
    called = arguments.alias or (host if is_name(host) else "daemon")
    daemon = write_paired(called, connection)
    _say(
        f"Paired as {name}. Use the daemon with --daemon {daemon}, or MUSISCENE_DAEMON={daemon}.",
        arguments.json,
        daemon=daemon,
        name=name,
    )


def _show_code(opened: PairingOpened, as_json: bool) -> None:
    if as_json:
        _print_json(msgspec.to_builtins(opened))
        return
    # As one line whatever the terminal's width, so that it can be pasted.
    sys.stdout.write(
        f"On the other machine, within {opened.seconds / 60:g} minutes:\n\n"
        f"    musiscene pair {opened.code}\n\n"
        "Whoever has the code first is let in, once. "
        "The letters I, L, O and U do not occur in it.\n"
    )


def _show_paired(paired: PairedList, as_json: bool) -> None:
    if as_json:
        _print_json(msgspec.to_builtins(paired))
        return
    console = result_console()
    if paired.clients:
        table = Table("Machine", "Paired", box=None, pad_edge=False)
        for client in paired.clients:
            since = time.strftime("%Y-%m-%d %H:%M", time.localtime(client.since))
            table.add_row(client.name, since)
        console.print(table, markup=False)
    else:
        console.print("No machine is paired.")
    where = f"on {paired.endpoint}" if paired.endpoint else "to this machine alone"
    console.print(f"The daemon listens {where}.", markup=False)


def _say(text: str, as_json: bool, **fields: str) -> None:
    if as_json:
        _print_json(fields)
    else:
        result_console().print(text, markup=False)


def _print_json(value: object) -> None:
    sys.stdout.write(json.dumps(value) + "\n")
