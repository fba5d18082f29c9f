"""Writes docs/protocol.md from the message types. Run it after changing them:

python packaging/protocol_table.py
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import msgspec

from musiscene_core.protocol import messages, state
from musiscene_core.protocol.wire import MAX_FRAME_BYTES

TARGET = Path(__file__).resolve().parents[1] / "docs" / "protocol.md"
_INTRODUCTION = """# The daemon's protocol, version {version}

Written by `packaging/protocol_table.py` from `messages.py` and `state.py` in
`musiscene_core/protocol/`; do not edit.

A ZeroMQ ROUTER on the loopback address, CURVE-encrypted, open to the keys in the connection file
alone. A message is two frames of msgpack, at most {megabytes} MB each: the header, an array, and
the message, a map whose `type` says which. Unknown fields are ignored; fields with a default may
be left out. Frames carry paths, never sound or pictures.

Every request is answered once, with the header's number given back; a refused one with `failure`.
Events carry the number 0 and may be lost: their sequence shows it, and a new subscription tells
how things stand.
"""


def document() -> str:
    """The whole page."""
    header, event = messages.Header, messages.JobEvent
    requests, replies = get_args(messages.Request), get_args(messages.Reply)
    travelling = {header, event, *requests, *replies}
    parts = [
        kind
        for module in (messages, state)
        for kind in vars(module).values()
        if inspect.isclass(kind)
        and issubclass(kind, msgspec.Struct)
        and kind.__module__ == module.__name__
        and kind not in travelling
    ]
    text = _INTRODUCTION.format(version=messages.PROTOCOL_VERSION, megabytes=MAX_FRAME_BYTES >> 20)
    for title, kinds in (
        ("Header", [header]),
        ("Requests", requests),
        ("Replies", replies),
        ("Events", [event]),
        ("Parts of messages", parts),
    ):
        text += f"\n## {title}\n"
        for kind in kinds:
            text += "\n" + "\n".join(_section(kind)) + "\n"
    return text


def _section(kind: type[msgspec.Struct]) -> Iterator[str]:
    tag = kind.__struct_config__.tag
    yield f"### {kind.__name__}" + (f" `{tag}`" if tag else "")
    yield ""
    about, _, attributes = (inspect.getdoc(kind) or "").partition("Attributes:")
    yield " ".join(about.split())
    fields = msgspec.structs.fields(kind)
    if not fields:
        return
    meanings = _meanings(attributes)
    yield ""
    yield "| Field | Type | Default | Meaning |"
    yield "|---|---|---|---|"
    for field in fields:
        written = kind.__annotations__[field.name].replace("|", r"\|")
        meaning = meanings.get(field.name, "").replace("|", r"\|")
        yield f"| `{field.name}` | `{written}` | {_default(field)} | {meaning} |"


def _meanings(attributes: str) -> dict[str, str]:
    """Each attribute's text, its lines joined."""
    found = re.findall(r"^    (\w+): (.*(?:\n {5,}.*)*)", attributes, re.MULTILINE)
    return {name: " ".join(text.split()) for name, text in found}


def _default(field: msgspec.structs.FieldInfo) -> str:
    if field.default is not msgspec.NODEFAULT:
        return f"`{field.default!r}`"
    if field.default_factory is not msgspec.NODEFAULT:
        return f"`{field.default_factory()!r}`"
    return ""


if __name__ == "__main__":
    TARGET.parent.mkdir(exist_ok=True)
    TARGET.write_text(document(), encoding="utf-8")
    sys.stdout.write(f"{TARGET}\n")
