"""Sound and picture: the ffmpeg program, and whether the panel can be heard."""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Iterator

from musiscene_core.errors import EngineError
from musiscene_core.media.ffmpeg import find_ffmpeg
from musiscene_plugins.doctor.asking import ask
from musiscene_plugins.doctor.finding import Finding, broken, fine, note

_LIMIT_S = 20.0
_ENCODERS = ("libx264", "aac")
_DEVICES = "musiscene_gui.audio.devices"
_NO_PROGRAM = "Install ffmpeg, or reinstall the imageio-ffmpeg package."


def ffmpeg() -> Iterator[Finding]:
    """Whether previews can be rendered."""
    try:
        program = find_ffmpeg()
    except EngineError as error:
        yield broken("ffmpeg", f"{error.message} Previews cannot be rendered.", error.hint)
        return
    said = ask([program, "-hide_banner", "-version"], _LIMIT_S)
    if said.code != 0:
        yield broken("ffmpeg", f"{program} does not run: {said.problem}.", _NO_PROGRAM)
        return
    version = said.said.partition("\n")[0].removeprefix("ffmpeg version ").partition(" ")[0]
    listed = ask([program, "-hide_banner", "-encoders"], _LIMIT_S).said.split()
    missing = [name for name in _ENCODERS if name not in listed]
    if missing:
        yield broken(
            "ffmpeg",
            f"ffmpeg {version} at {program} has no {' and no '.join(missing)} encoder: previews"
            " cannot be rendered.",
            "Install an ffmpeg with them, or take it off PATH: one that has them comes with"
            " MusiScene.",
            program=program,
            version=version,
        )
        return
    yield fine("ffmpeg", f"ffmpeg {version} at {program}.", program=program, version=version)


def output() -> Iterator[Finding]:
    """Whether the panel has something to play on."""
    if importlib.util.find_spec("PySide6") is None:
        yield note(
            *("sound output", "The panel is not installed, so nothing plays here."),
            "`pip install 'musiscene[gui]'` brings it.",
        )
        return
    answer = ask([sys.executable, "-m", _DEVICES], _LIMIT_S)
    try:
        names = [str(name) for name in json.loads(answer.said)]
    except (ValueError, TypeError):
        yield broken(
            *("sound output", f"The sound system does not answer: {answer.problem}."),
            "Restart the sound server or the machine; the panel plays silently meanwhile.",
        )
        return
    if names:
        yield fine(
            "sound output", f"{len(names)} sound outputs, {names[0]} first.", outputs=len(names)
        )
    else:
        yield note(
            *("sound output", "There is no sound output: takes play silently in the panel."),
            "Connect one, or start the sound server; the panel takes it from the next play on.",
            outputs=0,
        )
