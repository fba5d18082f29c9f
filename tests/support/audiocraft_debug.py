"""Runs the child's script in audiocraft's own environment, with no model of spaCy's needed."""

from __future__ import annotations

import runpy
import sys

if __name__ == "__main__":
    import spacy

    # audiocraft's debug models split words by spaCy's English model, which is a download.
    spacy.load = lambda name, **_: spacy.blank("en")
    sys.argv = sys.argv[1:]
    runpy.run_path(sys.argv[0], run_name="__main__")
