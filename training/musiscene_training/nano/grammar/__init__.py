"""The grammar of captions: what can be said of music, and of the scenes it may belong to."""
