"""Spotting: from a TimelineRange to a SceneBrief, by watching and listening."""
