"""Caption strategies compared on one folder of scenes: their words, and music made of them."""
