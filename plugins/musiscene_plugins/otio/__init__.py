"""Timeline files and bare movies as an editor host."""
