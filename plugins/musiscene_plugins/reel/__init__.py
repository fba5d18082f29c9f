"""A whole reel: which cues it has, what was done of them, and the cue sheet over all of it."""
