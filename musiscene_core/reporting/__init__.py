"""A finished take for people: cue chart, lead sheet and a page to listen to it on."""

from musiscene_core.reporting.report import write_report

__all__ = ["write_report"]
