"""Training and evaluation of the captioner. Empty until its first stage."""
