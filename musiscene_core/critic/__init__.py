"""The critic: takes held against the brief they were made for, ranked, with the reasons.

Judges by the nouns alone: what a captioner heard comes in as captions. Loads no numpy.
"""

from musiscene_core.critic.critique import CRITIQUE_FILE, Criterion, Critique, read_critique
from musiscene_core.critic.hearing import WINDOW_S, windows
from musiscene_core.critic.judging import HeardTake, judge

__all__ = [
    "CRITIQUE_FILE",
    "WINDOW_S",
    "Criterion",
    "Critique",
    "HeardTake",
    "judge",
    "read_critique",
    "windows",
]
