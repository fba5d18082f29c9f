"""How fast and how exact a scene is scored, end to end.

    python -m tests.benchmarks.score_scene [FILM [TRUTH.json]] ...

Without arguments: the shared reel where it is on this machine, and 60 s of 1080p25 made from the
demo film. Each film is scored in a fresh process with an empty cache (spot, compose, write timed
one by one, peak memory of that process), and once more through the command line with a daemon of
its own, from nothing running to placed stems. Figures are printed, never asserted.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
import wave
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from musiscene_core.media.render import find_ffmpeg

ROOT = Path(__file__).resolve().parents[2]
SHARED = ROOT.parent / "shared" / "media"
DEMO = ROOT / "plugins" / "musiscene_plugins" / "cli" / "demo_film.mp4"
MADE_SECONDS = 60


def main(arguments: list[str]) -> None:
    """Measure the films named, or the standard ones."""
    if arguments[:1] == ["--in-process"]:
        print(json.dumps(measure_in_process(Path(arguments[1]), Path(arguments[2]))))
        return
    with tempfile.TemporaryDirectory(prefix="musiscene-bench-") as folder:
        for film, truth in _films(arguments, Path(folder)):
            report(film, truth, Path(folder))


def _films(arguments: list[str], folder: Path) -> list[tuple[Path, Path | None]]:
    if arguments:
        films = [Path(name) for name in arguments if not name.endswith(".json")]
        truths = [Path(name) for name in arguments if name.endswith(".json")] + [None] * len(films)
        return list(zip(films, truths, strict=False))
    reel = SHARED / "reel_24.mp4"
    known = [(reel, SHARED / "reel_24.json")] if reel.exists() else []
    return [*known, (make_1080p(folder), None)]


def make_1080p(folder: Path) -> Path:
    """60 s of 1080p25 h264: the demo film, looped and enlarged."""
    path = folder / "made_1080p25.mp4"
    command = [find_ffmpeg(), "-v", "error", "-stream_loop", "-1", "-i", str(DEMO)]
    command += ["-t", str(MADE_SECONDS), "-vf", "scale=1920:1080,fps=25"]
    command += ["-c:v", "libx264", "-preset", "veryfast", "-crf", "21", "-pix_fmt", "yuv420p"]
    subprocess.run([*command, "-c:a", "aac", "-b:a", "192k", str(path)], check=True)
    return path


def measure_in_process(film: Path, output: Path) -> dict[str, Any]:
    """Spot, compose and write in this process; seconds for each, and its peak memory in MB."""
    from musiscene_core.brief import SceneBrief
    from musiscene_core.codec import to_json

    begin = time.perf_counter()
    from musiscene_core.composing.score import score
    from musiscene_core.request import ScoreRequest
    from musiscene_core.spotting.spot import spot
    from musiscene_plugins.host import RangeChoice
    from musiscene_plugins.otio import open_timeline

    imported = time.perf_counter()
    timeline = open_timeline(film).read_range(RangeChoice())
    brief: SceneBrief = spot(timeline)
    spotted = time.perf_counter()
    spot_memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    stages: dict[str, float] = {}

    def note(stage: str, fraction: float) -> None:
        stages.setdefault(stage, time.perf_counter())

    take = score(ScoreRequest(brief=brief, seed=1), 1, "take-1", output, note)
    done = time.perf_counter()
    (output / "brief.json").write_bytes(to_json(brief))
    marks = [*stages.values(), done]
    return {
        "import_s": imported - begin,
        "spot_s": spotted - imported,
        "compose_s": done - spotted,
        "stages_s": {name: marks[i + 1] - marks[i] for i, name in enumerate(stages)},
        "length_s": timeline.length_seconds,
        "spot_memory_mb": spot_memory,
        "peak_memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "hits": [[hit.frame, hit.error_ms, hit.error_frames] for hit in take.hits],
        "loudness_lufs": take.loudness_lufs,
        "true_peak_dbtp": take.true_peak_dbtp,
        "rate": [take.rate.numerator, take.rate.denominator],
        "frames": take.record.length,
    }


def report(film: Path, truth: Path | None, folder: Path) -> None:
    """Measure one film and print what came out."""
    output = folder / f"{film.stem}-in-process"
    output.mkdir()
    child = [sys.executable, "-m", "tests.benchmarks.score_scene", "--in-process"]
    printed = subprocess.run(
        [*child, str(film), str(output)], check=True, capture_output=True, text=True, cwd=ROOT
    ).stdout
    figures = json.loads(printed.splitlines()[-1])
    length = figures["length_s"]
    print(f"\n{film.name}: {length:.2f} s")
    for name in ("import", "spot", "compose"):
        seconds = figures[f"{name}_s"]
        print(f"  {name:22} {seconds:6.2f} s  {length / seconds:6.1f} x real time")
    for name, seconds in figures["stages_s"].items():
        print(f"    {name:20} {seconds:6.2f} s")
    print(f"  {'decode alone':22} {_decode_alone(film):6.2f} s")
    print(
        f"  peak memory            {figures['spot_memory_mb']:.0f} MB spotting, "
        f"{figures['peak_memory_mb']:.0f} MB in all"
    )
    print(
        f"  loudness               {figures['loudness_lufs']} LUFS, "
        f"{figures['true_peak_dbtp']} dBTP"
    )
    for frame, error_ms, error_frames in figures["hits"]:
        print(f"  hit at frame {frame:6}    {error_ms:+7.2f} ms  {error_frames:+.3f} frames")
    _files(output, figures)
    if truth is not None:
        _against_truth(output / "brief.json", truth)
    _command_line(film, folder)


def _decode_alone(film: Path) -> float:
    import av

    begin = time.perf_counter()
    with av.open(str(film)) as container:
        stream = container.streams.video[0]
        stream.thread_type = "AUTO"
        for _ in container.decode(stream):
            pass
    return time.perf_counter() - begin


def _samples(path: Path) -> np.ndarray:
    with wave.open(str(path)) as file:
        raw = np.frombuffer(file.readframes(file.getnframes()), dtype=np.uint8).reshape(-1, 3)
        channels = file.getnchannels()
    wide = np.zeros((raw.shape[0], 4), dtype=np.uint8)
    wide[:, 1:] = raw
    return (wide.view("<i4").ravel() >> 8).reshape(-1, channels)


def _files(output: Path, figures: dict[str, Any]) -> None:
    mix = _samples(output / "mix.wav").astype(np.int64)
    stems = [_samples(path) for path in sorted((output / "stems").glob("*.wav"))]
    rate = Fraction(*figures["rate"])
    exact = round(Fraction(figures["frames"] * 48000) / rate)
    lengths = {len(mix) - exact, *(len(stem) - exact for stem in stems)}
    null = np.abs(mix - np.sum(stems, axis=0, dtype=np.int64)).max()
    print(
        f"  stems                  {len(stems)}; null error {null} of 2^23; length error "
        f"{sorted(lengths)} samples"
    )


def _against_truth(brief_file: Path, truth_file: Path) -> None:
    brief = json.loads(brief_file.read_text())
    truth = json.loads(truth_file.read_text())
    cuts = [shot["start_frame"] for shot in brief["shots"]][1:]
    real = truth["shots_start_frame"][1:]
    met = sum(any(abs(cut - frame) <= 1 for cut in cuts) for frame in real)
    right = sum(any(abs(cut - frame) <= 1 for frame in real) for cut in cuts)
    print(
        f"  cuts                   recall {met}/{len(real)}, precision {right}/{len(cuts)}, "
        "within one frame"
    )
    grid = np.arange(0, truth["frames"] / float(Fraction(truth["rate"])), 0.01)

    def spoken(regions: list[dict[str, float]]) -> np.ndarray:
        inside = np.zeros(grid.size, dtype=bool)
        for region in regions:
            inside |= (grid >= region["start_s"]) & (grid < region["end_s"])
        return inside

    said, heard = spoken(truth["dialogue"]), spoken(brief["dialogue"])
    print(
        f"  dialogue               recall {(said & heard).sum() / said.sum():.3f}, "
        f"false alarms {(heard & ~said).sum() / (~said).sum():.3f}"
    )


def _command_line(film: Path, folder: Path) -> None:
    home, output = folder / f"{film.stem}-home", folder / f"{film.stem}-out"
    environment = {**os.environ, "MUSISCENE_HOME": str(home)}
    command = [sys.executable, "-m", "musiscene_plugins.cli.main"]
    begin = time.perf_counter()
    subprocess.run(
        [*command, "score", str(film), "--output", str(output), "--seed", "1", "--json"],
        check=True,
        capture_output=True,
        env=environment,
    )
    seconds = time.perf_counter() - begin
    subprocess.run([*command, "daemon", "stop"], check=True, capture_output=True, env=environment)
    print(f"  command line, cold     {seconds:6.2f} s from no daemon to placed stems")


if __name__ == "__main__":
    main(sys.argv[1:])
