"""MU-LLaMA, and MusiScene on top of it: music in, words out. The one place in core with torch."""
