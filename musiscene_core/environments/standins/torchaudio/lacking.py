"""What is not there: importing it is no fault, using it is."""

from __future__ import annotations

from typing import Any, NoReturn


class Lacking:
    """A function or class that the stand-in does not have."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __call__(self, *_: Any, **__: Any) -> NoReturn:
        """Say that it is not there.

        Raises:
            NotImplementedError: always.
        """
        raise NotImplementedError(
            f"torchaudio's {self._name} is wanted, and this environment has a stand-in that lacks"
            " it: see docs/environments.md of MusiScene."
        )
