"""The names of timeline formats, for those who need no more of them."""

from __future__ import annotations

OTIO_FORMAT = "otio"
WRITTEN_KEYS = ("fcp7", "fcpxml", "mlt", "kdenlive", "aaf", "srt")
"""Formats besides OpenTimelineIO's own in which a scored timeline can be written."""
XML_SUFFIXES = (".xml", ".fcpxml", ".fcpxmld", ".mlt", ".kdenlive")
"""Timeline files in XML; which format they are is decided by what is in them."""
