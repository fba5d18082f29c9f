"""The user's own sounds: SoundFont files (SF2, and SF3 with Ogg Vorbis), read and played."""

from musiscene_core.composing.sound.sampler.orchestra import OWN_ORCHESTRA, Orchestra, orchestra_of

__all__ = ["OWN_ORCHESTRA", "Orchestra", "orchestra_of"]
