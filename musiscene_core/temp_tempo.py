"""The sentence that tells how fast a temp track runs, shared by who writes and who reads captions.

It is a fact about the temp track and asks for nothing: at which tempo music is played depends on
what is played, and no idiom may go so fast.
"""

from __future__ import annotations

import re

_SENTENCE = re.compile(r" *The temp track runs at \d+ BPM\.")


def told(bpm: float) -> str:
    """The sentence, for a tempo in beats a minute."""
    return f"The temp track runs at {bpm:.0f} BPM."


def wished(text: str) -> str:
    """What of a caption asks for something: all but that sentence."""
    return _SENTENCE.sub("", text).strip()
