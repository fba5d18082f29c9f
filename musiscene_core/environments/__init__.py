"""Python environments beside the daemon's own: what goes into each, and making them."""
