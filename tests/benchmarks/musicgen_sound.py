"""What follows and precedes MusicGen's tokens: the codec's decoding, and how soon there is sound.

    python -m tests.benchmarks.musicgen_sound [--threads 2] [--rounds 5] [--window 30]

Random weights of the published architectures. Ways to decode take turns; the least and the median
of all rounds are given, for other work can only make them slower. Musicgen-small in int8.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

from musiscene_core.neural import threads

threads.prepare()

import torch  # noqa: E402

from musiscene_daemon.engines.musicgen import codec as codecs  # noqa: E402
from musiscene_daemon.engines.musicgen.decoder import Decoder  # noqa: E402
from musiscene_daemon.engines.musicgen.model import MusicGen  # noqa: E402
from tests.benchmarks.musicgen_models import Loaded, theirs  # noqa: E402

_SECONDS = 4


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=None)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--window", type=float, default=0.0, help="seconds of music; 0 leaves out")
    given = parser.parse_args()
    print(f"{threads.use_threads(given.threads)} threads, torch {torch.__version__}")
    torch.manual_seed(0)
    loaded = Loaded(theirs("small"))
    decoding(loaded, given.rounds)
    model = loaded.musicgen(Decoder(loaded.shape, loaded.read, "int8-numba"))
    first_sound(model, given.rounds)
    if given.window:
        window(model, given.window)


def decoding(loaded: Loaded, rounds: int) -> None:
    """Seconds that a second of one take costs, in pieces of half a second and of one."""
    compiled = codecs.supported
    codecs.supported = lambda *_: False  # type: ignore[assignment]
    plain = loaded.new_codec()
    codecs.supported = compiled
    exact, half = loaded.new_codec(), loaded.codec
    ways = {
        "torch's layers, 0.5 s": (plain, 25),
        "compiled, float32, 0.5 s": (exact, 25),
        "compiled, float32, 1 s": (exact, 50),
        "compiled, LSTM in float16, 1 s": (half, 50),
    }
    codes = torch.randint(0, 2048, (1, 4, 50 * _SECONDS))

    def run(codec: codecs.Codec, piece: int) -> float:
        stream = codecs.Stream(codec)
        return _seconds(lambda: [stream.push(part) for part in codes.split(piece, -1)])

    taken: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(rounds + 1):
        for name, way in ways.items():
            found = run(*way) / _SECONDS
            if number:
                taken[name].append(found)
    print("\n| a second of sound | s, least | s, median | times torch's |\n|---|---|---|---|")
    first = min(next(iter(taken.values())))
    for name, each in taken.items():
        middle = sorted(each)[len(each) // 2]
        print(f"| {name} | {min(each):.3f} | {middle:.3f} | {first / min(each):.1f} |")


class _Heard(Exception):  # noqa: N818
    """There is sound: enough."""


def first_sound(model: MusicGen, rounds: int) -> None:
    """Seconds from a prompt to sound, of words that were never heard and of known ones."""

    def heard(_: torch.Tensor) -> None:
        raise _Heard

    def run(prompt: str) -> float:
        def work() -> None:
            try:
                model.write(prompt, 1500, [1], sounded=heard)
            except _Heard:
                return

        return _seconds(work)

    run("warm strings, minor")
    new = [run(f"slow strings, minor {number}") for number in range(rounds)]
    known = [run("slow strings, minor 0") for _ in range(rounds)]
    for name, each in (("new words", new), ("known words", known[1:])):
        print(
            f"first sound, {name}: {min(each):.2f} s at least, {sorted(each)[len(each) // 2]:.2f}"
        )


def window(model: MusicGen, seconds: float) -> None:
    """A whole window, and what of it was decoding."""
    spent = 0.0
    push = codecs.Stream.push

    def timed(*given: object, **named: object) -> torch.Tensor:
        nonlocal spent
        begun = time.perf_counter()
        found = push(*given, **named)  # type: ignore[arg-type]
        spent += time.perf_counter() - begun
        return found

    codecs.Stream.push = timed  # type: ignore[method-assign,assignment]
    taken = _seconds(lambda: model.write("slow strings", round(seconds * model.frame_rate), [1]))
    codecs.Stream.push = push  # type: ignore[method-assign]
    print(f"{seconds:.0f} s in {taken:.1f} s, {seconds / taken:.2f} x real time;", end=" ")
    print(f"decoding {spent:.2f} s of it")


def _seconds(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


if __name__ == "__main__":
    main()
