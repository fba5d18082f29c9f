"""Models that look at frames: what they show, and what they make one feel."""
