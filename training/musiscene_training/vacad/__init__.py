"""VACAD: a dataset of music, pictures and words, built from clips as the MusiScene paper did."""
