"""Modules put into audiocraft's environment in the place of two libraries that it only imports.

torchaudio and xformers come compiled for one build of torch on some systems alone, and audiocraft's
models need next to nothing of them. Installed there as a package of their own; never loaded here.
"""
