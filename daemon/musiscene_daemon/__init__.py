"""The daemon: one process per user that spots, scores and keeps the takes."""
