"""What every neural model here needs: weights read safely, fast matrix products, threads.

Nothing that an editor's plugin, the panel or the daemon's socket loads may import from here.
"""
