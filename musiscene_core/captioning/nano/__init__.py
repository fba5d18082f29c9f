"""The nano captioner: MusiScene's three parts, small enough to ship, run by numpy alone."""
