"""What became of a range since music was made for it, and what that means for the music."""

from musiscene_core.conforming.carry import conformed, held
from musiscene_core.conforming.changes import Changes, ClipChange, HitFate, MarkerChange
from musiscene_core.conforming.compare import compare

__all__ = ["Changes", "ClipChange", "HitFate", "MarkerChange", "compare", "conformed", "held"]
