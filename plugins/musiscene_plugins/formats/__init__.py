"""Timeline formats other than OpenTimelineIO: readers and writers around one neutral Edit."""
