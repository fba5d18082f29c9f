"""How near made music comes to other music, to its words, and to what it was asked for."""
