"""Other versions of a take's music: without a stem, under dialogue, shorter, its moment alone."""

from musiscene_core.composing.alternates.making import Source, make_alternates

__all__ = ["Source", "make_alternates"]
