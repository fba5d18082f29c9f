"""Real footage with ground truth that lies beside the checkout on some machines."""

from __future__ import annotations

from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[2].parent / "shared" / "media"


def shared_media(name: str) -> Path:
    """The file `name` of the shared footage; skips the test where it is absent."""
    path = FOLDER / name
    if not path.exists():
        pytest.skip(f"the shared footage {name} is not on this machine")
    return path
