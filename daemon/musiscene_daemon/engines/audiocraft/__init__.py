"""MusicGen-Style, JASCO and MAGNeT: audiocraft's models, in a child process of its environment."""
