"""DaVinci Resolve as an editor host: Studio from outside, the free edition over a Lua bridge."""

from musiscene_plugins.resolve.host import ResolveHost

__all__ = ["ResolveHost"]
