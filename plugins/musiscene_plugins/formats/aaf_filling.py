"""Filling the sequences of an AAF that holds one component of each shape.

pyaaf2 makes the file's model, media and one component of every shape; the thousands like them are
copies with other lengths and sources, made here in a moment instead of half a minute.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from musiscene_plugins.formats import aaf_objects as aaf
from musiscene_plugins.formats.compound import (
    CompoundError,
    Node,
    read_compound,
    stream_bytes,
    write_compound,
)

_KIND_OF_FILE = slice(8, 24)


@dataclass(frozen=True)
class Piece:
    """A component: which shape it has, its frames, and where a clip's sound or picture begins.

    Attributes:
        shape: which component of the skeleton's sequence it is a copy of.
        length: frames.
        start: frame of the master clip at which it begins.
        source: the master clip's identifier, 32 bytes; empty for gaps.
        slot: which track of the master clip.
    """

    shape: int
    length: int
    start: int = 0
    source: bytes = b""
    slot: int = 0


def fill_sequences(
    skeleton: Path, path: Path, plans: Mapping[tuple[str, ...], Sequence[Piece]]
) -> None:
    """Write the AAF at `skeleton` to `path`, with each sequence filled as planned.

    Args:
        skeleton: an AAF.
        path: where to.
        plans: pieces by the names of the folders that lead to their sequence.

    Raises:
        CompoundError: the skeleton is damaged.
        OSError: it cannot be written.
    """
    with open(skeleton, "rb") as file, open(path, "wb") as filled:
        kind = file.read(_KIND_OF_FILE.stop)[_KIND_OF_FILE]
        root = read_compound(file)
        for names, pieces in plans.items():
            sequence = root.at(*names)
            if sequence is None:
                raise CompoundError("A sequence of the file is missing.")
            _fill(sequence, pieces)
        write_compound(root, filled, class_id=kind)


def _fill(sequence: Node, pieces: Sequence[Piece]) -> None:
    name = aaf.AafObject(sequence).text(aaf.COMPONENTS)
    shapes = [found.node for found in aaf.AafObject(sequence).many(aaf.COMPONENTS)]
    for shape in shapes:
        del sequence.children[shape.name]
    for number, piece in enumerate(pieces):
        made = shapes[piece.shape].copied()
        made.name = f"{name}{{{number:x}}}"
        _change(made, _changes(piece))
        sequence.add(made)
    count = len(pieces)
    index = struct.pack(f"<III{count}I", count, count, 0xFFFFFFFF, *range(count))
    sequence.add(Node(f"{name} index", data=index))


def _changes(piece: Piece) -> dict[int, bytes]:
    changed = {aaf.LENGTH: struct.pack("<q", piece.length)}
    if piece.source:
        changed |= {
            aaf.START_TIME: struct.pack("<q", piece.start),
            aaf.SOURCE_ID: piece.source,
            aaf.SOURCE_SLOT: struct.pack("<I", piece.slot),
        }
    return changed


def _change(node: Node, changes: Mapping[int, bytes]) -> None:
    """New values for every object of a component: all of it lasts as long and plays the same."""
    properties = node.children.get(aaf.PROPERTIES)
    if properties is not None:
        properties.data = aaf.with_values(stream_bytes(properties), changes)
    for child in node.children.values():
        if child.data is None:
            _change(child, changes)
