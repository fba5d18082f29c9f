"""What is heard beside the takes: the dialogue and the temp track under a range, decoded once."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from musiscene_core.errors import MediaError, MusiSceneError
from musiscene_core.media import read_audio
from musiscene_core.timecode import SAMPLE_RATE, frame_to_sample
from musiscene_core.timeline import Role, TimelineClip, TimelineRange
from musiscene_gui.audio.decks import Deck, Track
from musiscene_gui.audio.sources import HeldSound

LONGEST_S = 900.0
"""Beyond a quarter of an hour it would take more memory than it is worth (350 MB a track)."""
_TRACKS: dict[str, tuple[Role, ...]] = {
    "dialogue": ("dialogue", "mixed", "effects"),
    "temp_track": ("temp_track",),
}


@dataclass(frozen=True, eq=False)
class Beside:
    """Sound beside the takes.

    Attributes:
        deck: its tracks, "dialogue" and "temp_track", those that are there.
        warnings: what cannot be heard.
    """

    deck: Deck
    warnings: tuple[MusiSceneError, ...] = ()

    @property
    def dialogue(self) -> bool:
        """Whether there is a picture's own sound."""
        return any(track.name == "dialogue" for track in self.deck.tracks)

    @property
    def temp_track(self) -> bool:
        """Whether there is a temp track."""
        return any(track.name == "temp_track" for track in self.deck.tracks)


def decode_beside(timeline: TimelineRange) -> Beside:
    """The sound under a range; what cannot be decoded is left out with a warning."""
    warnings: list[MusiSceneError] = []
    if timeline.length_seconds > LONGEST_S and timeline.by_role(
        "dialogue", "mixed", "effects", "temp_track"
    ):
        said = MediaError("The range is too long to hear its dialogue beside the takes.")
        return Beside(Deck(()), (said,))
    tracks = []
    for name, roles in _TRACKS.items():
        clips = timeline.by_role(*roles)
        if not clips:
            continue
        total = np.zeros((timeline.length_samples, 2), np.float32)
        heard = 0
        for clip in clips:
            try:
                heard += _add(total, clip, timeline)
            except MusiSceneError as error:
                warnings.append(error)
        if heard:
            tracks.append(Track(name, HeldSound(total)))
    return Beside(Deck(tracks), tuple(warnings))


def _add(total: npt.NDArray[np.float32], clip: TimelineClip, timeline: TimelineRange) -> bool:
    """Add the clip's part of the range; returns whether it can be heard at all."""
    shown = clip.mapping.record.overlap(timeline.record)
    if shown is None or clip.mapping.speed != 1 or not clip.media.path:
        return False
    first = frame_to_sample(shown.start - timeline.record.start, timeline.rate)
    start = clip.mapping.source_seconds(shown.start)
    length = min(frame_to_sample(shown.length, timeline.rate), len(total) - first)
    sound = read_audio(
        clip.media.path,
        start,
        start + Fraction(length, SAMPLE_RATE),
        sample_rate=SAMPLE_RATE,
        channels=2,
        stream=clip.media.audio_stream,
    )
    total[first : first + sound.shape[1]] += sound.T[: len(total) - first]
    return True
