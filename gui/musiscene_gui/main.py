"""The `musiscene-panel` command: opens the window, with a film or timeline where one is named."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from musiscene_core import __version__
from musiscene_core.paths import keep_plot_caches


def main(argv: Sequence[str] | None = None) -> int:
    """Run the panel; returns the exit code."""
    given = build_parser().parse_args(argv)
    keep_plot_caches()
    # Here and not above: --help needs no window.
    from musiscene_gui.application import Application, prepared_qt

    qt = prepared_qt(sys.argv[:1])
    application = Application()
    application.start()
    if given.file:
        application.open_file(given.file)
    elif given.resolve or given.bridge:
        application.panel.editor.open_resolve(bridge=given.bridge)
    try:
        return qt.exec()
    finally:
        application.close()


def build_parser() -> argparse.ArgumentParser:
    """What the command understands."""
    parser = argparse.ArgumentParser(
        prog="musiscene-panel", description="Score film scenes in a window."
    )
    parser.add_argument("file", metavar="FILE", nargs="?", help="a movie or timeline to open")
    parser.add_argument("--resolve", action="store_true", help="the timeline open in Resolve")
    parser.add_argument("--bridge", action="store_true", help="the same in its free edition")
    parser.add_argument("--version", action="version", version=__version__)
    return parser


if __name__ == "__main__":
    sys.exit(main())
