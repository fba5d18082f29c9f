"""Hardening trials: real daemons in real trouble, each trial at any size.

The short forms run with the tests (tests/daemon/test_trials.py), the long ones as slow tests or
through `python -m tests.benchmarks.daemon_trials`, which prints one table of all figures.
"""
