"""Texts while they are written: the ends of the latest, few and short enough to send often."""

from __future__ import annotations

from musiscene_core.protocol.state import GROWING_CHARACTERS, GROWING_TEXTS, GrowingText


class Growing:
    """The texts of one job. Not for several threads."""

    def __init__(self) -> None:
        self._texts: dict[tuple[int, int], GrowingText] = {}

    @property
    def texts(self) -> tuple[GrowingText, ...]:
        """Those that grew at last, the latest last."""
        return tuple(self._texts.values())

    def add(self, section: int, question: int, piece: str, *, anew: bool = False) -> None:
        """Let the text for a question about a section go on, or begin anew."""
        key = section, question
        before = self._texts.pop(key, None)
        text, length = (before.text, before.length) if before is not None and not anew else ("", 0)
        self._texts[key] = GrowingText(
            section=section,
            question=question,
            text=(text + piece)[-GROWING_CHARACTERS:],
            length=length + len(piece),
        )
        if len(self._texts) > GROWING_TEXTS:
            del self._texts[next(iter(self._texts))]
