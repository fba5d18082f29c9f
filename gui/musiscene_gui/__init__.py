"""The panel: a PySide6 face of the daemon. Empty until its first widget."""
