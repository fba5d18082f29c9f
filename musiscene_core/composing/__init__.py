"""The embedded composer: a brief goes in, a cue and its sound come out."""
