"""Datasets of others, and a studio's own cues, as rows to train with or clips to build from."""
