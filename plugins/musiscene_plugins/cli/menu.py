"""Scoring from inside an editor's own script menu: all defaults, the result as a sentence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from musiscene_core.errors import MusiSceneError
from musiscene_plugins.cli.parser import build_parser
from musiscene_plugins.cli.score import score_on
from musiscene_plugins.resolve import ResolveHost
from musiscene_plugins.resolve.api import ResolveApi
from musiscene_plugins.resolve.transport import DirectTransport


def score_open_timeline(resolve: Any) -> str:
    """Score what is marked on the open timeline; returns what to tell the user."""
    folder = Path.home() / "MusiScene"
    arguments = build_parser().parse_args(["score", "--resolve", "--json"])
    try:
        host = ResolveHost(ResolveApi(DirectTransport(resolve)))
        cleared = host.clear_broken()
        scored = score_on(host, arguments, folder)
    except MusiSceneError as error:
        return str(error)
    done = f"The music lies on {scored.timeline}; its files are in {scored.takes[0].folder}."
    return " ".join((*cleared, done))
