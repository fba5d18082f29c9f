"""The models that MusiScene knows of: where they come from, where they lie, what they allow."""
