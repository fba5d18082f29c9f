"""The nano captioner, made from nothing: corpus, features, training, export. Command: `nano`."""
