"""Language models that write: one small interface, a server's protocol, and cleaning."""
