"""Editor hosts: what reads a range from an editor and places takes into it."""
