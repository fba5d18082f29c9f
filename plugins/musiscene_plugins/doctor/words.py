"""The report to read: what is broken first to see, everything there."""

from __future__ import annotations

from collections.abc import Iterator

from musiscene_plugins.doctor.finding import Report

_MARKS = {"fine": "ok", "note": "--", "broken": "!!"}


def lines(report: Report) -> Iterator[str]:
    """A line or two for each finding, and how many are broken."""
    for one in report.findings:
        yield f"{_MARKS[one.state]}  {one.topic}: {one.said}"
        if one.fix:
            yield f"      {one.fix}"
    wrong = len(report.broken)
    if not wrong:
        yield "Nothing is broken."
    else:
        yield f"{wrong} {'thing is' if wrong == 1 else 'things are'} broken (!!)."
