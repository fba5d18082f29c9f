"""`python -m musiscene_gui.audio.devices`: the names of the sound outputs, as JSON.

A program of its own, since a sound system that hangs hangs who asks.
"""

from __future__ import annotations

import json
import sys

_UNHEARD = "Discard all samples"
"""What ALSA calls its device that plays nowhere."""


def main() -> None:
    """Write them to the standard output."""
    import miniaudio

    real = [backend for backend in miniaudio.Backend if backend != miniaudio.Backend.NULL]
    try:
        found = miniaudio.Devices(backends=real).get_playbacks()
    except miniaudio.MiniaudioError as error:
        # No sound system at all, as on a server, is no failure: there are none.
        sys.stderr.write(f"{error}\n")
        found = []
    names = [str(device["name"]) for device in found]
    json.dump([name for name in names if not name.startswith(_UNHEARD)], sys.stdout)


if __name__ == "__main__":
    main()
