"""Who can listen: what each captioner is, in what it works and how fast, or what it lacks."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence

import msgspec

from musiscene_core.protocol import CaptionerInfo
from musiscene_plugins.cli.terminal import result_console


def show_captioners(infos: Sequence[CaptionerInfo], *, as_json: bool) -> None:
    """Print a line each."""
    for info in infos:
        if as_json:
            sys.stdout.write(json.dumps(msgspec.to_builtins(info)) + "\n")
        else:
            result_console().print(about_captioner(info), markup=False)


def about_captioner(info: CaptionerInfo) -> str:
    """A line about a captioner, with its pace and house adapters, or what it lacks."""
    text = f"{info.name} (captioner): {info.description}"
    if info.needs:
        return f"{text} It cannot work yet: {info.needs}"
    if info.pace:
        text += f" It works in {info.pace}."
    elif info.model:
        text += " How fast it writes here is measured when it is first asked."
    adapters = ", ".join(adapter.name for adapter in info.adapters)
    return f"{text} Adapters: {adapters}." if adapters else text
