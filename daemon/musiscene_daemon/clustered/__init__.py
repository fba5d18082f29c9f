"""Workers on other machines: the daemon's worker, run by an actor of a Ray cluster."""
