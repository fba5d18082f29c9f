"""From a cue to its stems and mix: play, process, master.

Stems are played side by side in two threads; nothing about a stem depends on another until the
master, so the result does not depend on who finishes first.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from musiscene_core.brief import DialogueRegion
from musiscene_core.composing.sound.channel import STRIPS, run_strip
from musiscene_core.composing.sound.ducking import duck
from musiscene_core.composing.sound.instruments import INSTRUMENTS, check_playable
from musiscene_core.composing.sound.master import master
from musiscene_core.composing.sound.player import play_part
from musiscene_core.composing.sound.signal import Audio
from musiscene_core.composing.sound.workspace import Workspace
from musiscene_core.cue import STEM_ROLES, Cue, StemRole
from musiscene_core.progress import Progress, silent

_THREADS = 2
_POLL_S = 0.05
_PLAYING = 0.75
"""Share of the time that goes into playing and processing stems; the rest is the master."""


@dataclass(frozen=True)
class Rendered:
    """Finished music.

    Attributes:
        stems: one for every role, [2, length] of 24-bit values at 48 kHz.
        mix: [2, length], the exact sum of the stems, itself within 24 bits.
        loudness_lufs: integrated loudness of the mix (ITU-R BS.1770-4); -200 for silence.
        true_peak_dbtp: of the mix, four-fold oversampled; -200 for silence.
    """

    stems: dict[StemRole, npt.NDArray[np.int32]]
    mix: npt.NDArray[np.int32]
    loudness_lufs: float
    true_peak_dbtp: float


def render(
    cue: Cue,
    *,
    length_samples: int,
    dialogue: Sequence[DialogueRegion] = (),
    target_lufs: float,
    max_true_peak_dbtp: float,
    seed: int,
    progress: Progress = silent,
) -> Rendered:
    """Make `cue` sound. The same arguments give the same samples.

    Args:
        cue: what is played; notes beyond the length are left out.
        length_samples: of every stem and the mix, at 48 kHz.
        dialogue: where the music ducks, in cue seconds.
        target_lufs: met unless the music would have to be squashed for it.
        max_true_peak_dbtp: never exceeded.
        seed: of everything random in the sound.
        progress: hears of it in the calling thread; may raise CancelledError.

    Raises:
        EngineError: an instrument or note that cannot be played.
        OutputError: a cue of more than five minutes finds no room on the disk to work in.
        CancelledError: `progress` raised it.
    """
    check_playable(cue)
    stage = "Playing the instruments"
    progress(stage, 0.0)
    total = sum(len(part.notes) for part in cue.parts) or 1
    work, space = _Work(), Workspace(length_samples)
    silence = {role: space.stereo(np.float32) for role in STEM_ROLES}
    with ThreadPoolExecutor(max_workers=_THREADS, thread_name_prefix="stem") as pool:
        playing: dict[StemRole, Future[Audio]] = {
            role: pool.submit(_play, cue, role, silence[role], dialogue, seed, work)
            for role in _longest_first(cue)
        }
        try:
            left = set(playing.values())
            while left:
                done, left = wait(left, timeout=_POLL_S)
                for one in done:
                    one.result()
                    space.rest()
                progress(stage, _PLAYING * min(1.0, work.done / total))
        except BaseException:
            work.stop()
            raise
    stems = {role: playing[role].result() for role in STEM_ROLES}
    stage = "Mixing and mastering"
    mix = space.stereo(np.int32)

    def checkpoint(share: float) -> None:
        space.rest()
        progress(stage, _PLAYING + (1 - _PLAYING) * share)

    finished, loudness, true_peak = master(
        stems,
        mix,
        target_lufs,
        max_true_peak_dbtp,
        checkpoint,
    )
    return Rendered(stems=finished, mix=mix, loudness_lufs=loudness, true_peak_dbtp=true_peak)


class _StoppedError(Exception):
    """A worker was told to stop: the caller's own error is on its way."""


class _Work:
    """How many notes are done, over all threads, and whether to go on."""

    def __init__(self) -> None:
        self.done = 0
        self._stopped = threading.Event()
        self._lock = threading.Lock()

    def played(self, notes: int) -> None:
        with self._lock:
            self.done += notes
        self.checkpoint()

    def checkpoint(self) -> None:
        if self._stopped.is_set():
            raise _StoppedError

    def stop(self) -> None:
        self._stopped.set()


def _longest_first(cue: Cue) -> list[StemRole]:
    """The roles, busiest first, so that the threads end together."""
    beats = dict.fromkeys(STEM_ROLES, 0.0)
    for part in cue.parts:
        beats[part.role] += sum(note.length for note in part.notes)
    return sorted(STEM_ROLES, key=lambda role: -beats[role])


def _play(
    cue: Cue,
    role: StemRole,
    stem: Audio,
    dialogue: Sequence[DialogueRegion],
    seed: int,
    work: _Work,
) -> Audio:
    """Play and process one stem into `stem` [2, samples], zeros so far; returns it."""
    parts = [part for part in cue.parts if part.role == role and part.notes]
    for part in parts:
        play_part(part, INSTRUMENTS[part.instrument], cue.tempo, seed, stem, work.played)
    if parts:
        run_strip(STRIPS[role], stem, work.checkpoint)
        duck(stem, dialogue)
    return stem
