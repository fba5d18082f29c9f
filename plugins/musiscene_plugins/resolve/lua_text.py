"""Python values as Lua text that can mean nothing else, whatever the user called things."""

from __future__ import annotations

import math
import string
from collections.abc import Callable
from typing import Any

_PLAIN = frozenset((string.ascii_letters + string.digits + " _-./:").encode())
_LARGEST = 2**53


def lua_string(value: str) -> str:
    """A quoted Lua string: every byte but the plainest as a decimal escape."""
    data = value.encode("utf-8", "surrogateescape")
    return '"' + "".join(chr(byte) if byte in _PLAIN else f"\\{byte:03d}" for byte in data) + '"'


def lua_value(value: Any, handle_of: Callable[[Any], int]) -> str:
    """A Lua expression for an argument; bridge.lua's decode() turns it back.

    Args:
        value: None, bool, number, string, list, tuple, dict, or an object of the other side.
        handle_of: the number under which the other side keeps an object.

    Raises:
        ValueError: a number that Lua cannot hold exactly.
    """
    if value is None:
        return '{k="n"}'
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        if abs(value) > _LARGEST:
            raise ValueError(f"{value} is too large for Lua.")
        return str(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(f"{value} is no number to send.")
        return repr(value)
    if isinstance(value, str):
        return lua_string(value)
    if isinstance(value, (list, tuple)):
        entries = ",".join(lua_value(entry, handle_of) for entry in value)
        return f'{{k="l",v={{{entries}}}}}'
    if isinstance(value, dict):
        pairs = ",".join(
            f"{{{lua_value(key, handle_of)},{lua_value(entry, handle_of)}}}"
            for key, entry in value.items()
        )
        return f'{{k="d",v={{{pairs}}}}}'
    return f'{{k="o",v={handle_of(value)}}}'
