"""Training of the captioner's parts: `musiscene-train adapter`."""
