"""Nothing of torchaudio.functional is needed to generate."""
