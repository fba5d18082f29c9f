"""The take library: finished takes listed, searched and marked, whether or not a daemon runs."""

from musiscene_core.library.catalogue import Catalogue
from musiscene_core.library.records import MAX_PAGE, TakePage, TakeQuery, TakeRecord
from musiscene_core.library.waveform import read_peaks

__all__ = ["MAX_PAGE", "Catalogue", "TakePage", "TakeQuery", "TakeRecord", "read_peaks"]
