"""Work done by a child process in a Python environment that has no MusiScene in it.

`musiscene_child` runs there and needs nothing but Python; the rest runs in the worker.
"""
