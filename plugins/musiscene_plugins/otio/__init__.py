"""Timeline files (.otio, .otioz, .otiod) and bare movies as an editor host."""

from musiscene_plugins.otio.file_host import FileHost, HostSettings, open_timeline

__all__ = ["FileHost", "HostSettings", "open_timeline"]
