"""The objects of an AAF as its folders hold them: properties by number, and what they refer to.

Knows the few numbers of AAF's model that a plain timeline needs.
Source: AMWA, AAF Object Specification 1.1 and AAF Low-Level Container Specification.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from fractions import Fraction
from uuid import UUID

from musiscene_plugins.formats.compound import CompoundError, Node, stream_bytes

PROPERTIES = "properties"
_OURS = bytes.fromhex("060e2b3402060101")
_SET = 0x3A

FILLER, SOURCE_CLIP, OPERATION_GROUP, SELECTOR, SEQUENCE = 0x09, 0x11, 0x0A, 0x0E, 0x0F
TIMECODE, COMMENT_MARKER, DESCRIPTIVE_MARKER = 0x14, 0x08, 0x41
COMPOSITION_MOB, MASTER_MOB, SOURCE_MOB = 0x35, 0x36, 0x37
EVENT_SLOT, TIMELINE_SLOT = 0x39, 0x3B
CONSTANT_VALUE, VARYING_VALUE, NETWORK_LOCATOR = 0x3D, 0x3E, 0x32

DATA_DEFINITION, LENGTH, USER_COMMENTS = 0x0201, 0x0202, 0x0204
POSITION, COMMENT = 0x0601, 0x0602
OPERATION, INPUTS, PARAMETERS = 0x0B01, 0x0B02, 0x0B03
SELECTED, ALTERNATES, COMPONENTS = 0x0F01, 0x0F02, 0x1001
SOURCE_ID, SOURCE_SLOT, START_TIME = 0x1101, 0x1102, 0x1201
CLOCK_START, CLOCK_FPS, CLOCK_DROP = 0x1501, 0x1502, 0x1503
MOBS, POINT_VALUE, POINT_TIME = 0x1901, 0x1A02, 0x1A03
LOCATORS, HEADER, CONTENT, URL = 0x2F01, 0x0002, 0x3B03, 0x4001
MOB_ID, MOB_NAME, SLOTS, MOB_COMMENTS = 0x4401, 0x4402, 0x4403, 0x4406
ESSENCE, SLOT_ID, SLOT_NAME, SEGMENT = 0x4701, 0x4801, 0x4802, 0x4803
EVENT_RATE, EDIT_RATE = 0x4901, 0x4B01
CONSTANT, POINTS, TAG_NAME, TAG_VALUE = 0x4D01, 0x4E02, 0x5001, 0x5003


class AafObject:
    """An object: its class, its properties, and the objects below it."""

    __slots__ = ("_formats", "kind", "node", "values")

    def __init__(self, node: Node) -> None:
        raw = node.class_id
        self.node = node
        self.kind = raw[7] if raw[8:] == _OURS else 0
        self.values: dict[int, bytes] = {}
        self._formats: dict[int, int] = {}
        data = stream_bytes(node.children.get(PROPERTIES))
        for pid, form, begin, end in _entries(data):
            self.values[pid] = data[begin:end]
            self._formats[pid] = form

    def whole(self, pid: int, default: int | None = None) -> int:
        """A whole number of up to eight bytes.

        Raises:
            CompoundError: it is not there, and there is no default.
        """
        data = self.values.get(pid)
        if data is None or len(data) > 8:
            if default is not None:
                return default
            raise CompoundError(f"A value ({pid:#x}) is missing.")
        return int.from_bytes(data, "little", signed=True)

    def ratio(self, pid: int) -> Fraction:
        """A fraction.

        Raises:
            CompoundError: it is not there or makes no sense.
        """
        return fraction_in(self.values.get(pid, b""))

    def text(self, pid: int) -> str:
        """A text, up to its first zero."""
        return _text(self.values.get(pid, b""))

    def key(self, pid: int) -> bytes:
        """The 16 bytes that name what a weak reference refers to."""
        return self.values.get(pid, b"")[5:21]

    def one(self, pid: int) -> AafObject | None:
        """The object that a strong reference holds."""
        node = self.node.children.get(self.text(pid)) if pid in self.values else None
        return AafObject(node) if node is not None else None

    def many(self, pid: int) -> list[AafObject]:
        """The objects of a vector or set, in order.

        Raises:
            CompoundError: one of them is missing.
        """
        if pid not in self.values:
            return []
        name = self.text(pid)
        index = stream_bytes(self.node.children.get(f"{name} index"))
        try:
            (count,) = struct.unpack_from("<I", index)
            if self._formats[pid] == _SET:
                _, size = struct.unpack_from("<HB", index, 12)
                keys = [
                    struct.unpack_from("<I", index, 15 + at * (8 + size))[0] for at in range(count)
                ]
            else:
                keys = list(struct.unpack_from(f"<{count}I", index, 12))
            return [AafObject(self.node.children[f"{name}{{{key:x}}}"]) for key in keys]
        except (struct.error, KeyError, MemoryError) as error:
            raise CompoundError("A list of objects is damaged.") from error


def fraction_in(data: bytes) -> Fraction:
    """A fraction of two numbers of four bytes.

    Raises:
        CompoundError: it is none.
    """
    if len(data) != 8:
        raise CompoundError("A fraction is damaged.")
    numerator, denominator = struct.unpack("<ii", data)
    if denominator == 0:
        raise CompoundError("A fraction is divided by nothing.")
    return Fraction(numerator, denominator)


def indirect(data: bytes) -> bytes:
    """The value in a property that says its own type: after the byte order and the type."""
    return data[17:]


def tagged(objects: list[AafObject], name: str) -> str:
    """The text of the comment called `name`, empty where there is none."""
    for entry in objects:
        if entry.text(TAG_NAME) == name:
            return _text(indirect(entry.values.get(TAG_VALUE, b"")))
    return ""


def with_values(data: bytes, changes: Mapping[int, bytes]) -> bytes:
    """The property stream `data` with new values for those of `changes` that it has."""
    head, body = bytearray(data[:4]), bytearray()
    for pid, form, begin, end in _entries(data):
        value = changes.get(pid, data[begin:end])
        head += struct.pack("<HHH", pid, form, len(value))
        body += value
    return bytes(head + body)


def key_of(text: str) -> bytes:
    """An identifier as keys hold it."""
    return UUID(text).bytes_le


def _entries(data: bytes) -> list[tuple[int, int, int, int]]:
    """(number, form, begin, end) of each property in a stream."""
    if len(data) < 4:
        return []
    order, _, count = struct.unpack_from("<BBH", data)
    if order != 0x4C or 4 + 6 * count > len(data):
        raise CompoundError("An object's properties are damaged.")
    found, at = [], 4 + 6 * count
    for number in range(count):
        pid, form, size = struct.unpack_from("<HHH", data, 4 + 6 * number)
        if at + size > len(data):
            raise CompoundError("An object's properties are cut short.")
        found.append((pid, form, at, at + size))
        at += size
    return found


def _text(data: bytes) -> str:
    return data[: len(data) & ~1].decode("utf-16-le", errors="replace").partition("\0")[0]
