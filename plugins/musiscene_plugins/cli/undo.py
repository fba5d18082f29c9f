"""`musiscene undo`: take music away from the timeline on which it was placed."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from musiscene_plugins.host import Placement
from musiscene_plugins.otio.placing import remove_copy
from musiscene_plugins.placements import find_placement


def run(arguments: argparse.Namespace) -> int:
    """Undo the placement that the arguments name; returns the exit code."""
    path, placement = find_placement(Path(arguments.placement))
    if placement.host == "resolve":
        _remove_in_resolve(placement, bridge=arguments.bridge)
    else:
        remove_copy(placement)
    path.unlink(missing_ok=True)
    if arguments.json:
        printed = {"timeline": placement.timeline, "tracks": placement.tracks}
        sys.stdout.write(json.dumps(printed) + "\n")
    else:
        sys.stdout.write(f"Taken away from {placement.timeline}.\n")
    return 0


def _remove_in_resolve(placement: Placement, *, bridge: bool) -> None:
    from musiscene_plugins.resolve.opening import resolve_api
    from musiscene_plugins.resolve.removing import remove_from_timeline

    with resolve_api(bridge=bridge) as api:
        remove_from_timeline(api, placement)
