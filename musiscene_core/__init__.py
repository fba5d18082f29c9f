"""The library everything else shares: exact time, media, spotting, composing, the protocol."""

__version__ = "0.1.0"
