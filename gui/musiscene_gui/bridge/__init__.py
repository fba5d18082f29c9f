"""Threads between the panel and the daemon, the editor and the media files."""
