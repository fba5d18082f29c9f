"""`musiscene host`: serves an editor host to the panel, which starts it."""

from __future__ import annotations

import argparse
import sys

from musiscene_plugins.serving import own_output, serve


def run(arguments: argparse.Namespace) -> int:
    """Answer until the input ends; returns the exit code."""
    with own_output() as replies:
        serve(sys.stdin.buffer, replies)
    return 0
