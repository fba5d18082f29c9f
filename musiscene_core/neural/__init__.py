"""What every neural model here needs: weights read safely, matrix products, threads. Loads torch.

Nothing that an editor's plugin, the panel or the daemon's socket loads may import from here.
"""
