"""MusicGen in our own loop: words, and where the model takes one a melody, into takes.

Only `engine`, `finding` and `shape` may be imported without torch.
"""
