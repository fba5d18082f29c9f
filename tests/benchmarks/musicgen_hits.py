"""Music of all kinds laid on picture by MusicGen's own finishing: hits, ending, ducking, stems.

    python -m tests.benchmarks.musicgen_hits [--music FILE] [--keep FOLDER]

Recordings stand for what the model writes: even, slow, fast, free, in three, with a silence,
without a beat; a file of yours; and the scene's sketch played by other instruments (where
FluidSynth and a General MIDI SoundFont are installed). Each becomes a whole take. Printed: how many
hits have an attack within a frame, in the music as generated and in the take; the largest stretch;
whether the length is exact; how loud the last 50 ms are and how steeply the ending falls where it
is heard; how far the stems' sum is from the mix; what ducking does. Figures are printed, never
asserted.
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import msgspec
import numpy as np

from musiscene_core.brief import DialogueRegion
from musiscene_core.composing.compose import compose
from musiscene_core.composing.notation.midi import midi_file
from musiscene_core.fitting.agreement import sketch_beats_s
from musiscene_core.fitting.places import attacks_s
from musiscene_core.fitting.report import read_render
from musiscene_core.media import read_audio
from musiscene_core.progress import silent
from musiscene_core.remixing.listening import listen
from musiscene_core.request import ScoreRequest
from musiscene_core.timecode import SAMPLE_RATE
from musiscene_daemon.engines.musicgen.rendering import Model, Place, Sound, rendered
from tests.support.played_music import cue_like, freely, played, window
from tests.support.scenes import brief_of
from tests.support.songs import drone, song

_LENGTH_S, _MORE_S = 32.0, 36.0
_CUTS = (4.2, 9.7, 15.1, 21.3, 26.0)
_SPEECH = (11.0, 14.0)
_FRAME_MS = 1000 / 24
_DUCKED = "song, 120"
_INAUDIBLE_DB = -60.0
_MODEL = Model("musicgen", "2", "played", "0" * 64, SAMPLE_RATE, melody=True)
_PLAIN = {"valence": 0.3, "arousal": 0.4}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--music", type=Path)
    parser.add_argument("--keep", type=Path)
    parser.add_argument(
        "--soundfont", type=Path, default=Path("/usr/share/sounds/sf2/default-GM.sf2")
    )
    chosen = parser.parse_args()
    cuts = [round(24 * cut) for cut in _CUTS]
    brief = brief_of(_LENGTH_S, cuts=_CUTS, **_PLAIN)
    free = ScoreRequest(brief=brief, engine="musicgen", sketch="off", hits=tuple(cuts))
    totals: list[tuple[float, float]] = []
    for name, make in _kinds(chosen.music).items():
        audio = make()[: round(_MORE_S * SAMPLE_RATE)]
        totals += _told(name, audio, free, chosen.keep)
    before, after = np.array(totals).T
    for name, away in (("as generated", before), ("in the take", after)):
        print(
            f"all kinds, {name}: {np.mean(away <= _FRAME_MS):.0%} of {len(away)} hits within a"
            f" frame of an attack, {np.mean(away <= 80):.0%} within 80 ms"
        )
    guided = msgspec.structs.replace(free, sketch="guide", hits=None)
    plan = compose(guided, 0)
    sketch = _by_others(plan, chosen.soundfont)
    if sketch is not None:
        _told("sketch", sketch, guided, chosen.keep, plan)


def _kinds(music: Path | None):
    found = {
        "even, 104": lambda: played(cue_like(_PLAIN, 38, tempo_bpm=104.0)),
        "slow, 48": lambda: played(
            cue_like({"valence": -0.5, "arousal": -0.7}, 38, tempo_bpm=48.0)
        ),
        "fast, 176": lambda: played(
            cue_like({"valence": 0.3, "arousal": 0.95}, 38, tempo_bpm=176.0)
        ),
        "free by 4 %": lambda: played(freely(cue_like(_PLAIN, 38, tempo_bpm=92.0), 0.04)),
        "free by 8 %": lambda: played(freely(cue_like(_PLAIN, 38, tempo_bpm=92.0), 0.08)),
        "faster by 15 %": lambda: song(100, "ABAC", bars=5, drift=0.15).audio.mean(axis=0),
        "waltz, 150": lambda: song(150, "ABAC", metre=3).audio.mean(axis=0),
        "song, 120": lambda: song(120, "ABA", bars=7).audio.mean(axis=0),
        "silence in it": _with_silence,
        "drone": lambda: drone(38.0),
    }
    if music is not None:
        found[music.name] = lambda: read_audio(
            music, Fraction(20), Fraction(58), sample_rate=SAMPLE_RATE, channels=1
        )[0]
    return found


def _with_silence():
    audio = song(104, "ABA", bars=6).audio.mean(axis=0)
    audio[12 * SAMPLE_RATE : 17 * SAMPLE_RATE] = 0
    return audio


def _by_others(plan, soundfont: Path):
    """The sketch by a piano, strings and a fretless bass, 1.2 % fast and 170 ms late."""
    try:
        import mido
    except ImportError:
        return None
    if not soundfont.is_file():
        return None
    programs = iter((0, 48, 35, 11, 73, 46, 71))
    with tempfile.TemporaryDirectory(prefix="musiscene-bench-") as folder:
        path, wav = Path(folder) / "a.mid", Path(folder) / "a.wav"
        path.write_bytes(midi_file(plan))
        score = mido.MidiFile(path)
        for track in score.tracks:
            for event in track:
                if event.type == "program_change" and event.channel != 9:
                    event.program = next(programs, 0)
        score.save(path)
        rate = round(SAMPLE_RATE / 1.012)
        done = subprocess.run(
            ["fluidsynth", "-ni", "-g", "0.8", "-r", str(SAMPLE_RATE), "-F", wav, soundfont, path],
            capture_output=True,
            check=False,
        )
        if done.returncode or not wav.is_file():
            return None
        end = Fraction(round(_MORE_S))
        audio = read_audio(wav, Fraction(0), end, sample_rate=rate, channels=1)[0]
    return np.pad(audio, (round(0.17 * SAMPLE_RATE), 0)).astype(np.float32)


def _told(name, audio, request, keep, plan=None):
    """Print what becomes of `audio`; away before and after, in ms, of each hit."""
    plan = plan or compose(request, 0)
    made = Sound(audio[None], (window(0.0, len(audio) / SAMPLE_RATE),), ())
    with tempfile.TemporaryDirectory(prefix="musiscene-bench-") as scratch:
        folder = keep / name.replace(" ", "-").replace(",", "") if keep else Path(scratch) / "dry"
        folder.mkdir(parents=True, exist_ok=True)
        take = rendered(request, plan, made, _MODEL, Place("take-1", 0, folder), silent)
        report = read_render(folder)
        mix = _samples(folder / take.mix, take.length_samples)
        stems = sum(_samples(folder / stem.path, take.length_samples) for stem in take.stems)
        ducked = ""
        if name == _DUCKED:
            ducked = _duck(mix, _under_speech(request, plan, made, take, Path(scratch)))
    hits_s = [hit.frame / 24 for hit in plan.hits]
    now, then = (attacks_s(listen(one).onsets) for one in (mix, audio[None]))
    before = [1000 * np.abs(then - hit).min(initial=9.9) for hit in hits_s]
    after = [1000 * np.abs(now - hit).min(initial=9.9) for hit in hits_s]
    most = max([0.0, *(abs(part.percent) for part in report.stretches)])
    told = [hit.struck_frames for hit in report.hits if hit.met]
    heard = [frames is not None and abs(frames) <= 1 for frames in told]
    print(
        f"{name}: {sum(hit.met for hit in report.hits)} of {len(report.hits)} hits met, attacks"
        f" within a frame {sum(np.array(before) <= _FRAME_MS)} -> "
        f"{sum(np.array(after) <= _FRAME_MS)}; stretch {most:.1f} %;"
        f" told to be heard on their frame: {sum(heard)}"
    )
    print(f"  {_ending(mix)}; sum of stems off by {_db(stems - mix):.0f} dB{ducked}")
    if report.sketch is not None:
        agreed, own = report.sketch, sketch_beats_s(plan)
        print(
            f"  sketch: {agreed.near} of {agreed.beats} beats within 70 ms, median"
            f" {agreed.median_ms:.0f} ms, {agreed.bars_met} of {agreed.bars} bars, harmony"
            f" {agreed.chroma:.2f} ({len(own)} beats written)"
        )
    return list(zip(before, after, strict=True))


def _under_speech(request, plan, made, take, scratch):
    """The mix where somebody speaks in _SPEECH."""
    speech = (DialogueRegion(start_s=_SPEECH[0], end_s=_SPEECH[1]),)
    brief = msgspec.structs.replace(request.brief, dialogue=speech)
    spoken = msgspec.structs.replace(request, brief=brief, loudness_lufs=take.loudness_lufs)
    place = Place("take-1", 0, scratch / "ducked")
    place.folder.mkdir()
    ducked = rendered(spoken, plan, made, _MODEL, place, silent)
    return _samples(place.folder / ducked.mix, take.length_samples)


def _ending(mix):
    step = SAMPLE_RATE // 20
    levels = [
        _db(mix[:, at : at + step]) for at in range(mix.shape[1] - 40 * step, mix.shape[1], step)
    ]
    loud = _db(mix)
    # A fall from what nobody hears is none.
    drops = [two - one for one, two in pairwise(levels[:-5]) if one > loud + _INAUDIBLE_DB]
    return (
        f"{mix.shape[1] - round(_LENGTH_S * SAMPLE_RATE):+d} samples; last 50 ms"
        f" {levels[-1] - loud:.0f} dB under the music, 2 s before {levels[0] - loud:+.0f},"
        f" largest fall in 50 ms {-min(drops, default=0.0):.0f} dB"
    )


def _duck(mix, under):
    """How much quieter it is where somebody speaks, and how much elsewhere."""
    begin, end = (round(at * SAMPLE_RATE) for at in _SPEECH)
    away = SAMPLE_RATE
    inside = _db(under[:, begin:end]) - _db(mix[:, begin:end])
    outside = _db(under[:, : begin - away]) - _db(mix[:, : begin - away])
    return f"; ducked by {outside - inside:.1f} dB under speech"


def _db(audio) -> float:
    return float(10 * np.log10(np.mean(np.square(audio, dtype=np.float64)) + 1e-14))


def _samples(path, count):
    end = Fraction(count, SAMPLE_RATE)
    return read_audio(path, Fraction(0), end, sample_rate=SAMPLE_RATE, channels=2)


if __name__ == "__main__":
    main()
