"""A DaVinci Resolve that holds a timeline model and behaves as the real one is said to."""

from tests.support.fake_resolve.objects import FakeItem, FakeMedia, FakeTimeline
from tests.support.fake_resolve.project import FakeResolve
from tests.support.fake_resolve.world import Semantics

__all__ = ["FakeItem", "FakeMedia", "FakeResolve", "FakeTimeline", "Semantics"]
