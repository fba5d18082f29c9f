"""`python -m musiscene_plugins.doctor.resolve_probe direct|bridge`: which Resolve answers, as JSON.

A program of its own, since Resolve's library hangs or crashes whoever loads it at a bad moment.
Changes nothing in Resolve.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence

import msgspec

from musiscene_core.errors import MusiSceneError
from musiscene_plugins.resolve.opening import resolve_api


def main(arguments: Sequence[str] | None = None) -> None:
    """Write what was found to the standard output: an EditorInfo, or an error's parts."""
    (way,) = sys.argv[1:] if arguments is None else arguments
    try:
        with resolve_api(bridge=way == "bridge") as api:
            told = msgspec.to_builtins(api.editor())
    except MusiSceneError as error:
        told = {"error": error.message, "hint": error.hint}
    json.dump(told, sys.stdout)


if __name__ == "__main__":
    main()
