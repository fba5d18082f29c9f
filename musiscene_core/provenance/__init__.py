"""How music came to be: said in its files, kept in the library's ledger, read back from any WAV."""
