"""From a cue to its stems and mix: play, process, master, block by block.

Tracks are played side by side in two threads, each into a temporary file; nothing about one
depends on another until the master, so the result does not depend on who finishes first. Memory
stays the same however long the cue is.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from musiscene_core.brief import DialogueRegion
from musiscene_core.composing.sound.channel import STRIP_BLOCK, STRIPS, Strip, StripRunner
from musiscene_core.composing.sound.ducking import Ducker, around
from musiscene_core.composing.sound.instrument import Instrument
from musiscene_core.composing.sound.instruments import INSTRUMENTS, check_playable
from musiscene_core.composing.sound.master import MIX, Integers, Keep, Levels, Sink, master
from musiscene_core.composing.sound.player import TrackPlayer
from musiscene_core.composing.sound.signal import Audio
from musiscene_core.composing.sound.spill import Spill
from musiscene_core.composing.sound.tracks import Track, tracks_by_role
from musiscene_core.cue import Cue
from musiscene_core.progress import Progress, silent
from musiscene_core.timecode import SAMPLE_RATE

_THREADS = 2
_POLL_S = 0.05
_PLAYING = 0.75
"""Share of the time that goes into playing and processing tracks; the rest is the master."""

_PLAYED_AT_ONCE = STRIP_BLOCK

_TAIL_S = 24.0
"""How long a loop's end is listened to: by then the slowest bell has died away in the hall."""


@dataclass(frozen=True)
class Rendered:
    """Finished music, all of it in memory.

    Attributes:
        stems: one for every track, [2, length] of 24-bit values at 48 kHz.
        mix: [2, length], the exact sum of the stems, itself within 24 bits.
        loudness_lufs: integrated loudness of the mix (ITU-R BS.1770-4); -200 for silence.
        true_peak_dbtp: of the mix, four-fold oversampled; -200 for silence.
    """

    stems: dict[str, Integers]
    mix: Integers
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
    tracks: Sequence[Track] | None = None,
    loop: bool = False,
    instruments: Mapping[str, Instrument] = INSTRUMENTS,
    progress: Progress = silent,
) -> Rendered:
    """`render_into`, gathered in memory: for short cues and measurements."""
    tracks = tracks_by_role(cue) if tracks is None else tracks
    names = [*(track.name for track in tracks), MIX]
    whole = {name: np.zeros((2, length_samples), dtype=np.int32) for name in names}

    def gather(name: str, first: int, samples: Integers) -> None:
        whole[name][:, first : first + samples.shape[1]] = samples

    levels = render_into(
        gather,
        cue,
        tracks,
        length_samples=length_samples,
        dialogue=dialogue,
        target_lufs=target_lufs,
        max_true_peak_dbtp=max_true_peak_dbtp,
        seed=seed,
        loop=loop,
        instruments=instruments,
        progress=progress,
    )
    mix = whole.pop(MIX)
    return Rendered(whole, mix, levels.loudness_lufs, levels.true_peak_dbtp)


def render_into(
    sink: Sink,
    cue: Cue,
    tracks: Sequence[Track],
    *,
    length_samples: int,
    dialogue: Sequence[DialogueRegion] = (),
    target_lufs: float,
    max_true_peak_dbtp: float,
    seed: int,
    scratch: Path | None = None,
    loop: bool = False,
    instruments: Mapping[str, Instrument] = INSTRUMENTS,
    gain_db: float | None = None,
    keep: Keep | None = None,
    progress: Progress = silent,
) -> Levels:
    """Render `tracks` of `cue`; the same arguments give the same samples.

    Args:
        sink: takes the stems and their sum.
        cue: the music.
        tracks: which notes make which stem; names must be unique, and none MIX.
        length_samples: exact length of every stem.
        dialogue: where people speak, in cue seconds: the music ducks there.
        target_lufs: integrated loudness of the mix; less where the peak limit forbids it.
        max_true_peak_dbtp: never exceeded.
        seed: of everything random in the sound.
        scratch: folder for temporary files; None for the system's.
        loop: what rings beyond the end sounds in the beginning, and nothing fades.
        instruments: who plays; their own, or an Orchestra's.
        gain_db: as in master.
        keep: as in master.
        progress: hears of it in the calling thread; may raise CancelledError.

    Raises:
        EngineError: an instrument or note that cannot be played.
        OutputError: there is no room on the disk to work in.
        CancelledError: `progress` raised it.
    """
    check_playable(cue, instruments)
    played = length_samples + (round(_TAIL_S * SAMPLE_RATE) if loop else 0)
    ducking = around(dialogue, length_samples / SAMPLE_RATE, played) if loop else dialogue
    stage = "Playing the instruments"
    progress(stage, 0.0)
    with ExitStack() as stack:
        work = _Work(sum(track.notes for track in tracks))
        spills = {
            track.name: stack.enter_context(Spill(scratch, length_samples)) for track in tracks
        }
        # Left last, so that no thread writes into a file that is closed already.
        threads = stack.enter_context(ThreadPoolExecutor(_THREADS, thread_name_prefix="stem"))
        players = {
            track.name: TrackPlayer(track.parts, cue.tempo, played, seed, instruments)
            for track in tracks
        }
        left = {
            threads.submit(
                _play,
                players[track.name],
                STRIPS[track.role],
                spills[track.name],
                Ducker(ducking, played),
                work,
            )
            for track in _longest_first(tracks)
            if track.notes
        }
        try:
            while left:
                done, left = wait(left, timeout=_POLL_S)
                for one in done:
                    one.result()
                progress(stage, _PLAYING * work.share)
            stage = "Mixing and mastering"
            return master(
                spills,
                length_samples,
                target_lufs,
                max_true_peak_dbtp,
                sink,
                threads,
                lambda share: progress(stage, _PLAYING + (1 - _PLAYING) * share),
                loop=loop,
                gain_db=gain_db,
                keep=keep,
            )
        except BaseException:
            work.stop()
            raise


class _StoppedError(Exception):
    """A worker was told to stop: the caller's own error is on its way."""


class _Work:
    """How many notes are done, over all threads, and whether to go on."""

    def __init__(self, notes: int) -> None:
        self._notes = max(1, notes)
        self._done = 0
        self._stopped = threading.Event()
        self._lock = threading.Lock()

    @property
    def share(self) -> float:
        return min(1.0, self._done / self._notes)

    def played(self, notes: int) -> None:
        with self._lock:
            self._done += notes
        if self._stopped.is_set():
            raise _StoppedError

    def stop(self) -> None:
        self._stopped.set()


def _longest_first(tracks: Sequence[Track]) -> list[Track]:
    """The tracks, busiest first, so that the threads end together."""
    return sorted(
        tracks, key=lambda track: -sum(note.length for part in track.parts for note in part.notes)
    )


def _play(
    player: TrackPlayer,
    strip: Strip,
    spill: Spill,
    ducker: Ducker,
    work: _Work,
) -> None:
    """Play and process one track into its file; what passes its end goes round."""
    runner = StripRunner(strip)
    first = 0
    for block in _regrouped(player.blocks(_PLAYED_AT_ONCE, work.played), STRIP_BLOCK):
        work.played(0)
        processed = runner.run(block)
        ducker.run(processed, first)
        if first + block.shape[1] <= spill.samples:
            spill.write(first, processed)
        else:
            spill.add(first, processed)
        first += block.shape[1]


def _regrouped(blocks: Iterator[Audio], size: int) -> Iterator[Audio]:
    """The same samples in blocks [2, size], the last one shorter."""
    kept: Audio = np.zeros((2, 0), dtype=np.float32)
    for block in blocks:
        kept = np.concatenate([kept, block], axis=1) if kept.shape[1] else block
        while kept.shape[1] >= size:
            yield kept[:, :size]
            kept = kept[:, size:]
    if kept.shape[1]:
        yield kept
