"""The command line's work as tools for assistants: the Model Context Protocol, extra `mcp`."""
