"""`musiscene undo`: take music away from the timeline on which it was placed."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from musiscene_plugins.host import Placement
from musiscene_plugins.otio.placing import remove_copy
from musiscene_plugins.placements import find_placement, placements_in


def run(arguments: argparse.Namespace) -> int:
    """Undo the placement that the arguments name; returns the exit code."""
    found = _wanted(Path(arguments.placement).expanduser())
    for path, placement in found:
        if placement.host == "resolve":
            _remove_in_resolve(placement, bridge=arguments.bridge)
        else:
            remove_copy(placement)
        path.unlink(missing_ok=True)
    _, first = found[0]
    if arguments.json:
        tracks = tuple(dict.fromkeys(name for _, placement in found for name in placement.tracks))
        sys.stdout.write(json.dumps({"timeline": first.timeline, "tracks": tracks}) + "\n")
    else:
        sys.stdout.write(f"Taken away from {first.timeline}.\n")
    return 0


def _wanted(path: Path) -> list[tuple[Path, Placement]]:
    """The placement at `path`; of a reel's folder, those beside all its takes.

    Raises:
        InputError: there is none.
    """
    takes = sorted(path.glob("*/take-*")) if path.is_dir() else []
    found = [placed for folder in takes for placed in placements_in(folder)[-1:]]
    return found or [find_placement(path)]


def _remove_in_resolve(placement: Placement, *, bridge: bool) -> None:
    from musiscene_plugins.resolve.opening import resolve_api
    from musiscene_plugins.resolve.removing import remove_from_timeline

    with resolve_api(bridge=bridge) as api:
        remove_from_timeline(api, placement)
