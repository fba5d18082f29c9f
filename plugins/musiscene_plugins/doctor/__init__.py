"""What can be wrong on a user's machine: looked at, said in a sentence, with what mends it."""
