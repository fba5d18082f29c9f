"""Findings: what was looked at, how it is, and what mends it. Values alone."""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

State = Literal["fine", "note", "broken"]
"""fine: as it should be; note: works, but better is to be had; broken: something will not work."""
Fact: TypeAlias = str | int | float | bool | None


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was looked at.

    Attributes:
        topic: which, a word or two; the same in every report.
        state: how it is.
        said: what was found, a sentence.
        fix: what to do, a sentence; empty where nothing need be done.
        facts: the figures behind it, by name.
    """

    topic: str
    state: State
    said: str
    fix: str = ""
    facts: dict[str, Fact] = {}


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """All findings.

    Attributes:
        made: when, in UTC.
        seconds: how long it took.
        findings: in the order in which they are read.
    """

    made: str
    seconds: float
    findings: tuple[Finding, ...]

    @property
    def broken(self) -> tuple[Finding, ...]:
        """What will not work."""
        return tuple(one for one in self.findings if one.state == "broken")


def fine(topic: str, said: str, /, **facts: Fact) -> Finding:
    """It is as it should be."""
    return Finding(topic=topic, state="fine", said=said, facts=facts)


def note(topic: str, said: str, fix: str = "", /, **facts: Fact) -> Finding:
    """It works, but better is to be had."""
    return Finding(topic=topic, state="note", said=said, fix=fix, facts=facts)


def broken(topic: str, said: str, fix: str, /, **facts: Fact) -> Finding:
    """Something will not work."""
    return Finding(topic=topic, state="broken", said=said, fix=fix, facts=facts)
