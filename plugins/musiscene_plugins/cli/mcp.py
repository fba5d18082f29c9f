"""`musiscene mcp`: the tools for assistants, over standard input and output."""

from __future__ import annotations

import argparse
import asyncio
import importlib.util
from pathlib import Path

from musiscene_core.errors import InputError, RequestError


def run(arguments: argparse.Namespace) -> int:
    """Serve until the other side leaves; returns the exit code."""
    if importlib.util.find_spec("mcp") is None:
        raise RequestError(
            "The Model Context Protocol is not installed.",
            hint="Install it: pip install 'musiscene[mcp]'.",
        )
    roots = [Path(name).expanduser().absolute() for name in arguments.root] or [Path.cwd()]
    for root in roots:
        if not root.is_dir():
            raise InputError(f"{root} is not a folder.", hint="Give folders with --root.")
    from musiscene_plugins.assistants.server import serve

    asyncio.run(serve(roots))
    return 0
