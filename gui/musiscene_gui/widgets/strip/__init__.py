"""The strip: the timeline across the panel's whole width."""

from musiscene_gui.widgets.strip.strip import Strip
from musiscene_gui.widgets.strip.tools import StripPanel

__all__ = ["Strip", "StripPanel"]
