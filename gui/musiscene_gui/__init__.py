"""The panel: a PySide6 face of the daemon, beside an editor or alone with a timeline file.

viewmodels/ hold the state and know no Qt; widgets/ show it; bridge/ has the threads between them
and the daemon, the editor and the media files.
"""
