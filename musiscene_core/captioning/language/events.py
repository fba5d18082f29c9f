"""What is in a reply of the OpenAI chat protocol, streamed or whole. Trusts nothing of it."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

MAX_ANSWER = 40_000
"""Characters; the longest answer asked for has about 2,000."""


class NonsenseError(Exception):
    """A reply that keeps to no protocol; said in a few words."""


class Event(NamedTuple):
    """What a line of an event stream carries.

    Attributes:
        text: a piece of the answer; may be empty.
        last: whether the answer ends with it.
    """

    text: str = ""
    last: bool = False


def event_in(line: bytes) -> Event:
    """What is in a line of an event stream.

    Raises:
        NonsenseError: it carries what is not an event.
    """
    stripped = line.strip()
    if not stripped or stripped.startswith((b":", b"event:", b"id:", b"retry:")):
        return Event()
    if not stripped.startswith(b"data:"):
        raise NonsenseError("it streams no events")
    data = stripped[len(b"data:") :].strip()
    if data == b"[DONE]":
        return Event(last=True)
    event = _parsed(data)
    if not isinstance(event, dict):
        raise NonsenseError("its events are no objects")
    if event.get("error"):
        raise NonsenseError("it reports an error of its own midway")
    choices = event.get("choices")
    if not choices:
        # Such as the count of tokens at the end.
        return Event()
    try:
        delta = choices[0].get("delta") or {}
        text, last = delta.get("content"), bool(choices[0].get("finish_reason"))
    except (AttributeError, LookupError, TypeError):
        raise NonsenseError("its events have no text") from None
    return Event(text if isinstance(text, str) else "", last)


def whole_answer(body: bytes) -> str:
    """The text of a reply that was not streamed.

    Raises:
        NonsenseError: it is none.
    """
    reply = _parsed(body)
    try:
        text = reply["choices"][0]["message"]["content"]
    except (LookupError, TypeError):
        raise NonsenseError("its reply has no text") from None
    if not isinstance(text, str):
        raise NonsenseError("its reply has no text")
    if len(text) > MAX_ANSWER:
        raise NonsenseError("its answer does not end")
    return text


def _parsed(data: bytes) -> Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        raise NonsenseError("it does not speak JSON") from None
