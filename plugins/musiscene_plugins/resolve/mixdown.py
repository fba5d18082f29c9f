"""A range of sound tracks mixed down to WAV by Resolve, where their media cannot be read.

Slower than reading the files, and the Deliver page opens for as long as it takes; afterwards the
user's page, marks and track states are as they were, and the job is off the queue.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection
from pathlib import Path

from musiscene_core.errors import HostError
from musiscene_core.media import probe
from musiscene_core.ranges import FrameRange
from musiscene_core.timecode import SAMPLE_RATE
from musiscene_plugins.resolve.api import ResolveApi
from musiscene_plugins.resolve.delivery import Delivery
from musiscene_plugins.resolve.keeping import kept_state
from musiscene_plugins.resolve.values import ApiTimeline

_SLOWEST = 10
"""Real time this many times over is long enough for any mixdown."""
_LEAST_S = 120.0


def mix_down(
    api: ResolveApi,
    timeline: ApiTimeline,
    record: FrameRange,
    tracks: Collection[int],
    folder: Path,
) -> Path:
    """Mix the sound `tracks` (indices from 1) over `record` down to a new WAV in `folder`.

    Raises:
        HostError: Resolve refuses, or wrote something else than the range.
        MediaError: what it wrote cannot be read.
    """
    folder.mkdir(parents=True, exist_ok=True)
    name = f"mixdown-{uuid.uuid4().hex[:12]}"
    delivery = Delivery(api)
    rate = api.clock(timeline).rate
    with kept_state(api, timeline) as kept:
        for track in kept.tracks["audio"]:
            if track.enabled != (track.index in tracks):
                api.enable_track(timeline, "audio", track.index, track.index in tracks)
        api.open_page("deliver")
        job = delivery.add_render(
            {
                "SelectAllFrames": False,
                "MarkIn": record.start,
                # The frame under the mark belongs to the render.
                "MarkOut": record.end - 1,
                "TargetDir": str(folder.absolute()),
                "CustomName": name,
                "ExportVideo": False,
                "ExportAudio": True,
                "AudioCodec": "LinearPCM",
                "AudioBitDepth": 24,
                "AudioSampleRate": SAMPLE_RATE,
            }
        )
        try:
            timeout = max(_LEAST_S, _SLOWEST * float(record.seconds(rate)))
            delivery.render(job, timeout_s=timeout)
        finally:
            delivery.remove_render(job)
    written = sorted(folder.glob(f"{name}*"))
    if not written:
        raise HostError(
            "DaVinci Resolve rendered, but wrote no file.",
            hint="See the Deliver page's render queue for its message.",
        )
    # Settings stack on whatever preset is loaded and cannot be read back: look at the result.
    info = probe(written[0])
    wanted = float(record.seconds(rate))
    if not info.audio or abs(float(info.duration) - wanted) > 1 / float(rate.fps):
        raise HostError(
            f"DaVinci Resolve mixed down {float(info.duration):.2f} s instead of {wanted:.2f} s.",
            hint="Clear In and Out on the Deliver page, then try again.",
        )
    return written[0]
