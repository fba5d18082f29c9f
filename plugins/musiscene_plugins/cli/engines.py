"""`musiscene engines`: who can make music, with which models, and what is missing."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator, Sequence

import msgspec

from musiscene_core.protocol import (
    BrokenEngine,
    Client,
    DaemonStatus,
    EngineInfo,
    EngineModel,
    connect,
)
from musiscene_plugins.cli.terminal import result_console

_PATIENCE_S, _POLL_S = 60.0, 0.05


def run(arguments: argparse.Namespace) -> int:
    """List the engines once each environment has said what it offers; returns the exit code."""
    with connect() as client:
        client.engines()
        status = _settled(client)
    engines, broken = status.engines, status.broken_engines
    if arguments.json:
        both = {"engines": engines, "broken": broken}
        sys.stdout.write(json.dumps(msgspec.to_builtins(both), indent=2) + "\n")
        return 0
    console = result_console()
    for line in lines(engines, broken):
        console.print(line, markup=False)
    return 0


def _settled(client: Client) -> DaemonStatus:
    """The status once every environment has said what it offers, or has had long enough."""
    until = time.monotonic() + _PATIENCE_S
    while True:
        status = client.status()
        if time.monotonic() > until or not any(one.starting for one in status.workers):
            return status
        time.sleep(_POLL_S)


def lines(engines: Sequence[EngineInfo], broken: Sequence[BrokenEngine]) -> Iterator[str]:
    """The list to read."""
    for engine in engines:
        yield f"{engine.name} {engine.version}: {engine.description}"
        if engine.lacks:
            yield f"  Cannot work yet: {engine.lacks}"
        yield f"  {', '.join(_abilities(engine))}"
        yield from (f"  {_model(engine, model)}" for model in engine.models)
    for one in broken:
        yield f"{one.name} does not load: {one.reason}"


def _abilities(engine: EngineInfo) -> Iterator[str]:
    yield engine.licence
    yield "may be used commercially" if engine.commercial_use else "not for commercial use"
    yield f"up to {engine.max_length_s:g} s"
    yield f"{len(engine.stems)} stems" if engine.stems else "a mix alone"
    yield "meets hit points" if engine.hit_points else "no hit points"
    if engine.needs_music:
        yield "works from a music file"
    elif engine.reference_audio and all(one.reference_audio is None for one in engine.models):
        yield "takes a music file"
    if engine.environment != "main":
        yield f"in the environment {engine.environment}"


def _model(engine: EngineInfo, model: EngineModel) -> str:
    first = ", taken unasked" if model is engine.models[0] else ""
    size = f", {model.bytes / 1e9:.1f} GB" if model.bytes else ""
    licence = f", {model.licence}" if model.licence else ""
    hears = ", follows a melody" if model.reference_audio else ""
    problem = f"; cannot be used: {model.problem}" if model.problem else ""
    return f"--engine {engine.name}:{model.name}{size}{licence}{hears}{first}{problem}"
