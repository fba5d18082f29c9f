"""Compound files: the folders and streams inside one file that an AAF is made of.

Reads a whole tree with bounds on everything, and writes one in a single pass; libraries that keep
such a file open for changes need a thousand times longer for ten thousand folders.
Source: Microsoft, [MS-CFB], Compound File Binary File Format.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
MAX_ENTRIES = 4_000_000
MAX_DEPTH = 100
_FREE, _END, _FAT, _NONE = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD, 0xFFFFFFFF
_HEADER = struct.Struct("<8s16sHHHHH6xIIIIIIIII")
_ENTRY = struct.Struct("<64sHBBIII16s20xIQ")
_MINI, _CUTOFF = 64, 4096
_IN_HEADER = 109
_BLOCK = 1 << 20


class CompoundError(ValueError):
    """Not a compound file, or a damaged one."""


@dataclass
class Node:
    """A folder, or a stream of bytes.

    Attributes:
        name: at most 31 characters.
        class_id: 16 bytes that say what a folder is.
        data: what a stream holds; None for folders.
        children: what a folder holds, by name.
    """

    name: str
    class_id: bytes = bytes(16)
    data: bytes | Extent | None = None
    children: dict[str, Node] = field(default_factory=dict)

    def add(self, node: Node) -> Node:
        """Put `node` into this folder."""
        self.children[node.name] = node
        return node

    def at(self, *names: str) -> Node | None:
        """The node below, by the names on the way."""
        found: Node | None = self
        for name in names:
            found = found.children.get(name) if found is not None else None
        return found

    def copied(self) -> Node:
        """A tree of new nodes with the same data."""
        children = {name: child.copied() for name, child in self.children.items()}
        return Node(self.name, self.class_id, self.data, children)


@dataclass(frozen=True)
class Extent:
    """A long stream that stays in the file it lies in: places and lengths of its sectors."""

    file: BinaryIO
    parts: tuple[tuple[int, int], ...]
    size: int

    def blocks(self) -> Iterator[bytes]:
        """Its bytes, a part at a time."""
        for place, length in self.parts:
            self.file.seek(place)
            while length > 0:
                block = self.file.read(min(length, _BLOCK))
                if not block:
                    raise CompoundError("A stream ends before its end.")
                length -= len(block)
                yield block


def read_compound(file: BinaryIO) -> Node:
    """The tree in `file`, which must stay open for its long streams.

    Raises:
        CompoundError: no compound file, or a damaged one.
    """
    try:
        return _Reader(file).root()
    except (struct.error, UnicodeDecodeError, OverflowError) as error:
        raise CompoundError(f"The file is damaged: {error}.") from error


def stream_bytes(node: Node | None, limit: int = 1 << 28) -> bytes:
    """What the stream `node` holds; nothing where there is none.

    Raises:
        CompoundError: longer than `limit`, or it ends before its end.
    """
    if node is None or node.data is None:
        return b""
    if isinstance(node.data, bytes):
        return node.data
    if node.data.size > limit:
        raise CompoundError("A stream is too long.")
    return b"".join(node.data.blocks())


class _Reader:
    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        file.seek(0, 2)
        self._length = file.tell()
        file.seek(0)
        head = _HEADER.unpack(file.read(_HEADER.size))
        shift = head[5]
        if head[0] != MAGIC or shift not in (9, 12) or head[6] != 6 or head[11] != _CUTOFF:
            raise CompoundError("This is no compound file.")
        self._size = 1 << shift
        self._sectors = self._length // self._size + 1
        self._first_directory, self._first_mini, self._first_more = head[9], head[12], head[14]
        places = list(struct.unpack(f"<{_IN_HEADER}I", file.read(4 * _IN_HEADER)))
        places += self._more_places()
        table = b"".join(self._sector(at) for at in places if at < _FAT)
        self._fat = struct.unpack(f"<{len(table) // 4}I", table)
        mini = b"".join(self._sector(at) for at in self._chain(self._first_mini))
        self._minifat = struct.unpack(f"<{len(mini) // 4}I", mini)

    def _more_places(self) -> list[int]:
        found: list[int] = []
        at = self._first_more
        while at < _FAT:
            *held, at = struct.unpack(f"<{self._size // 4}I", self._sector(at))
            found += held
            if len(found) > self._sectors + self._size:
                raise CompoundError("The file's table of sectors has no end.")
        return found

    def _sector(self, at: int) -> bytes:
        if at >= self._sectors:
            raise CompoundError("The file refers to what lies past its end.")
        self._file.seek((at + 1) * self._size)
        return self._file.read(self._size).ljust(self._size, b"\0")

    def _chain(self, at: int) -> list[int]:
        found = []
        while at < _FAT:
            found.append(at)
            if at >= len(self._fat) or len(found) > self._sectors:
                raise CompoundError("A stream of the file has no end.")
            at = self._fat[at]
        return found

    def root(self) -> Node:
        directory = b"".join(self._sector(at) for at in self._chain(self._first_directory))
        entries = [_ENTRY.unpack_from(directory, at) for at in range(0, len(directory), 128)]
        if not entries or entries[0][2] != 5 or len(entries) > MAX_ENTRIES:
            raise CompoundError("The file holds no folders.")
        top = entries[0]
        self._mini = b"".join(self._sector(at) for at in self._chain(top[8]))[: top[9]]
        root = Node("Root Entry", top[7])
        seen = {0}
        open_folders = [(root, top[6], 0)]
        while open_folders:
            folder, first, depth = open_folders.pop()
            if depth > MAX_DEPTH:
                raise CompoundError("The file's folders are nested too deeply.")
            waiting = [first]
            while waiting:
                number = waiting.pop()
                if number == _NONE:
                    continue
                if number >= len(entries) or number in seen:
                    raise CompoundError("The file's folders hold themselves.")
                seen.add(number)
                raw, length, kind, _, left, right, child, class_id, start, size = entries[number]
                name = raw[: max(0, length - 2)].decode("utf-16-le")
                waiting += (left, right)
                node = folder.add(Node(name, class_id))
                if kind == 1:
                    open_folders.append((node, child, depth + 1))
                else:
                    node.data = self._stream(start, size)
        return root

    def _stream(self, start: int, size: int) -> bytes | Extent:
        if size > self._length:
            raise CompoundError("A stream is longer than the file.")
        if size >= _CUTOFF:
            parts: list[tuple[int, int]] = []
            left = size
            for at in self._chain(start):
                place, length = (at + 1) * self._size, min(left, self._size)
                if parts and sum(parts[-1]) == place:
                    parts[-1] = (parts[-1][0], parts[-1][1] + length)
                elif length:
                    parts.append((place, length))
                left -= length
            if left:
                raise CompoundError("A stream ends before its end.")
            extent = Extent(self._file, tuple(parts), size)
            return extent if size > _BLOCK else b"".join(extent.blocks())
        found = []
        at, left = start, size
        while left > 0:
            if at >= len(self._minifat):
                raise CompoundError("A short stream of the file has no end.")
            found.append(self._mini[at * _MINI : at * _MINI + min(left, _MINI)])
            at, left = self._minifat[at], left - _MINI
        data = b"".join(found)
        if len(data) != size:
            raise CompoundError("A stream ends before its end.")
        return data


def write_compound(root: Node, file: BinaryIO, *, class_id: bytes) -> None:
    """Write the tree under `root` to `file`, which is empty.

    Args:
        root: its name is not kept, its class is.
        file: opened for writing.
        class_id: of the file itself, 16 bytes; AAF keeps its kind there.
    """
    _Writer(root, file, class_id).write()


class _Writer:
    """Streams first, then their tables, then the header: every place is known when it is needed."""

    _SIZE = 4096

    def __init__(self, root: Node, file: BinaryIO, class_id: bytes) -> None:
        self._root = root
        self._file = file
        self._class_id = class_id
        self._fat: list[int] = []
        self._mini = bytearray()
        self._minifat: list[int] = []
        self._entries: list[list[object]] = []

    def write(self) -> None:
        self._file.write(bytes(self._SIZE))
        self._add(self._root, kind=5)
        pending = [(0, self._root)]
        while pending:
            number, folder = pending.pop()
            # Names count as longer first, then by their capitals.
            order = sorted(folder.children.values(), key=lambda n: (len(n.name), n.name.upper()))
            numbers = [self._add(node, kind=1 if node.data is None else 2) for node in order]
            self._entries[number][6] = self._balanced(numbers, 0, len(numbers))
            pending += [
                (at, node) for at, node in zip(numbers, order, strict=True) if node.data is None
            ]
        mini = bytes(self._mini)
        start, size = (self._long([mini]), len(mini)) if mini else (_END, 0)
        self._entries[0][8], self._entries[0][9] = start, size
        minifat_start, minifat_count = self._table(self._minifat)
        directory = b"".join(_ENTRY.pack(*entry) for entry in self._entries)
        directory += (-len(directory) % self._SIZE // 128) * _ENTRY.pack(
            b"", 0, 0, 0, _NONE, _NONE, _NONE, bytes(16), 0, 0
        )
        directory_start = self._long([directory])
        self._finish(minifat_start, minifat_count, directory_start, len(directory) // self._SIZE)

    def _add(self, node: Node, *, kind: int) -> int:
        name = node.name.encode("utf-16-le")
        start, size = (0, 0) if kind == 1 else (_END, 0)
        if node.data is not None:
            start, size = self._stored(node.data)
        entry: list[object] = [
            name,
            len(name) + 2,
            kind,
            1,
            _NONE,
            _NONE,
            _NONE,
            node.class_id,
            start,
            size,
        ]
        self._entries.append(entry)
        return len(self._entries) - 1

    def _balanced(self, numbers: list[int], first: int, last: int) -> int:
        """A search tree over numbers[first:last]; all black is a valid colouring for readers."""
        if first >= last:
            return _NONE
        middle = (first + last) // 2
        entry = self._entries[numbers[middle]]
        entry[4] = self._balanced(numbers, first, middle)
        entry[5] = self._balanced(numbers, middle + 1, last)
        return numbers[middle]

    def _stored(self, data: bytes | Extent) -> tuple[int, int]:
        if isinstance(data, Extent):
            return self._long(data.blocks()), data.size
        if not data:
            return _END, 0
        if len(data) >= _CUTOFF:
            return self._long([data]), len(data)
        start = len(self._minifat)
        count = -(-len(data) // _MINI)
        self._minifat += [*range(start + 1, start + count), _END]
        self._mini += data.ljust(count * _MINI, b"\0")
        return start, len(data)

    def _long(self, blocks: Iterator[bytes] | list[bytes]) -> int:
        start, length = len(self._fat), 0
        for block in blocks:
            self._file.write(block)
            length += len(block)
        self._file.write(bytes(-length % self._SIZE))
        count = -(-length // self._SIZE)
        self._fat += [*range(start + 1, start + count), _END]
        return start

    def _table(self, values: list[int]) -> tuple[int, int]:
        if not values:
            return _END, 0
        data = struct.pack(f"<{len(values)}I", *values)
        data += b"\xff" * (-len(data) % self._SIZE)
        return self._long([data]), len(data) // self._SIZE

    def _finish(self, mini: int, minis: int, directory: int, directories: int) -> None:
        per = self._SIZE // 4
        more, tables = 0, 0
        while True:
            needed = -(-(len(self._fat) + tables + more) // per)
            further = -(-max(0, needed - _IN_HEADER) // (per - 1))
            if (needed, further) == (tables, more):
                break
            tables, more = needed, further
        first_table = len(self._fat)
        places = [*range(first_table, first_table + tables)]
        self._fat += [_FAT] * tables + [0xFFFFFFFC] * more
        padded = self._fat + [_FREE] * (tables * per - len(self._fat))
        self._file.write(struct.pack(f"<{len(padded)}I", *padded))
        first_more = first_table + tables
        for number in range(more):
            begin = _IN_HEADER + number * (per - 1)
            held = places[begin : begin + per - 1]
            held += [_FREE] * (per - 1 - len(held))
            held.append(first_more + number + 1 if number + 1 < more else _END)
            self._file.write(struct.pack(f"<{per}I", *held))
        self._file.seek(0)
        head = _HEADER.pack(
            MAGIC,
            self._class_id,
            0x3E,
            4,
            0xFFFE,
            12,
            6,
            directories,
            tables,
            directory,
            0,
            _CUTOFF,
            mini,
            minis,
            first_more if more else _END,
            more,
        )
        inside = places[:_IN_HEADER] + [_FREE] * (_IN_HEADER - len(places))
        self._file.write(head + struct.pack(f"<{_IN_HEADER}I", *inside))
