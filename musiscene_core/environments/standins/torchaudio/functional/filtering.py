"""The filters of a loss that only training uses."""

from __future__ import annotations

from ..lacking import Lacking  # noqa: TID252 - it has another name where it is installed

highpass_biquad = Lacking("highpass_biquad")
treble_biquad = Lacking("treble_biquad")
