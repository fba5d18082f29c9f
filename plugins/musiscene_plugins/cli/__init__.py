"""The command line, itself an editor host."""
