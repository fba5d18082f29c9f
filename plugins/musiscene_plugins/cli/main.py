"""The `musiscene` command: reads the arguments, runs one command, turns errors into exit codes.

    0    done
    1    `daemon status` found none running; `doctor` found something broken
    2    something the user can mend: one sentence, and what to do next, on stderr
    130  cancelled with Ctrl-C

With --json, stdout carries nothing but the result, and stderr nothing but {"error": ...}.
Commands are imported when they run, so that --help answers at once; the rest is imported inside
`main`, where Ctrl-C is heard: loading it takes a quarter of a second.
"""

from __future__ import annotations

import importlib
import logging
import os
import sys
from collections.abc import Sequence

EXIT_BAD_INPUT = 2
EXIT_CANCELLED = 130
_COMMANDS = {
    "score": "musiscene_plugins.cli.score",
    "spot": "musiscene_plugins.cli.spot",
    "compose": "musiscene_plugins.cli.compose",
    "gallery": "musiscene_plugins.cli.gallery",
    "caption": "musiscene_plugins.cli.caption",
    "language": "musiscene_plugins.cli.language",
    "watching": "musiscene_plugins.cli.watching",
    "conform": "musiscene_plugins.cli.conform",
    "remix": "musiscene_plugins.cli.remix",
    "preview": "musiscene_plugins.cli.preview",
    "demo": "musiscene_plugins.cli.demo",
    "daemon": "musiscene_plugins.cli.daemon_command",
    "engines": "musiscene_plugins.cli.engines",
    "setup": "musiscene_plugins.cli.setup",
    "models": "musiscene_plugins.cli.models",
    "provenance": "musiscene_plugins.cli.provenance",
    "licence": "musiscene_plugins.cli.licence",
    "jobs": "musiscene_plugins.cli.jobs",
    "takes": "musiscene_plugins.cli.takes",
    "themes": "musiscene_plugins.cli.themes",
    "cuesheet": "musiscene_plugins.cli.sheets",
    "watch": "musiscene_plugins.cli.watch",
    "mcp": "musiscene_plugins.cli.mcp",
    "pair": "musiscene_plugins.cli.pair",
    "undo": "musiscene_plugins.cli.undo",
    "doctor": "musiscene_plugins.cli.doctor",
    "uninstall": "musiscene_plugins.cli.uninstall",
    "host": "musiscene_plugins.cli.host",
}
"""Each module has run(arguments) -> exit code."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    try:
        return _run(argv)
    except KeyboardInterrupt:
        as_json = "--json" in (sys.argv if argv is None else argv)
        _say("Cancelled.", code="cancelled", as_json=as_json)
        return EXIT_CANCELLED


def _run(argv: Sequence[str] | None) -> int:
    from musiscene_core.errors import CancelledError, MusiSceneError
    from musiscene_core.paths import keep_plot_caches
    from musiscene_plugins.cli.parser import build_parser

    arguments = build_parser().parse_args(argv)
    as_json = bool(getattr(arguments, "json", False))
    _set_up_logging(arguments.verbose, as_json)
    keep_plot_caches()
    if arguments.daemon is not None:
        # Here and not above: it loads the whole protocol, and --help must not.
        from musiscene_core.protocol.connection import DAEMON_VARIABLE

        os.environ[DAEMON_VARIABLE] = arguments.daemon
    try:
        return int(importlib.import_module(_COMMANDS[arguments.command]).run(arguments))
    except CancelledError as stopped:
        raise KeyboardInterrupt from stopped
    except MusiSceneError as error:
        logging.getLogger(__name__).debug("The command failed", exc_info=True)
        _say(error.message, hint=error.hint, code=error.code, as_json=as_json)
        return EXIT_BAD_INPUT
    except BrokenPipeError:
        # The reader (head, less) has seen enough; Python would complain again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _set_up_logging(verbose: int, as_json: bool) -> None:
    quiet = logging.ERROR if as_json else logging.WARNING
    level = (quiet, logging.INFO, logging.DEBUG)[min(verbose, 2)]
    logging.basicConfig(level=level, format="%(levelname)s: %(message)s", stream=sys.stderr)


def _say(message: str, *, code: str, as_json: bool, hint: str = "") -> None:
    if as_json:
        import json

        error = {"error": {"code": code, "message": message, "hint": hint}}
        sys.stderr.write(json.dumps(error) + "\n")
    else:
        sys.stderr.write(f"musiscene: {message}\n" + (f"  {hint}\n" if hint else ""))


if __name__ == "__main__":
    sys.exit(main())
