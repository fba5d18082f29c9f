"""Who does the jobs of the daemon's own environment: how many workers, and on which machines.

    3                                                  three processes on this machine
    ray://HOST:PORT?workers=4                          four on the machines of a Ray cluster
    ray://HOST:PORT?workers=4&gpus=2&on-gpu=musicgen   and two more, each with a GPU, for engines

Workers of one pool offer the same, and each takes the next job that is theirs. Each holds its own
models in memory.
"""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import parse_qsl, urlsplit

from musiscene_core.errors import InputError
from musiscene_daemon.environments import MAIN, Environment, own

MOST = 256
GPU_POOL = "cluster-gpu"
ON_GPU = "musicgen,mullama"
"""The engines and captioners that go to the workers with a GPU where nothing else is said."""

_HINT = "Give a number, or ray://HOST:PORT?workers=4&gpus=2&on-gpu=musicgen,mullama."
_KNOWN = frozenset({"workers", "gpus", "on-gpu"})


def staff(text: str) -> tuple[Environment, ...]:
    """The workers that `text` asks for, the first of them called main.

    Raises:
        InputError: it makes no sense.
    """
    if not text.startswith("ray://"):
        return tuple(_named(own(), MAIN, _count(text, 1)))
    parts = urlsplit(text)
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    if not parts.hostname or parts.path.strip("/") or not options.keys() <= _KNOWN:
        raise InputError(f"The workers {text!r} cannot be understood.", hint=_HINT)
    address = f"ray://{parts.netloc}"
    workers = _count(options.get("workers", "1"), 1)
    gpus = _count(options.get("gpus", "0"), 0)
    found = _named(_in_cluster(address, gpus=0), MAIN, workers)
    if gpus:
        names = tuple(filter(None, options.get("on-gpu", ON_GPU).split(",")))
        if not names:
            raise InputError("No engine is named for the workers with a GPU.", hint=_HINT)
        found += _named(replace(_in_cluster(address, gpus=1), engines=names), GPU_POOL, gpus)
    return tuple(found)


def _in_cluster(address: str, *, gpus: int) -> Environment:
    relay = ("-m", "musiscene_daemon.clustered.relay")
    return replace(own(), through=(*relay, "--address", address, "--gpus", str(gpus)))


def _named(like: Environment, pool: str, count: int) -> list[Environment]:
    names = [pool if number == 1 else f"{pool}-{number}" for number in range(1, count + 1)]
    return [replace(like, name=name, pool=pool) for name in names]


def _count(text: str, least: int) -> int:
    if not text.isascii() or not text.isdigit() or not least <= int(text) <= MOST:
        raise InputError(f"{text!r} is not a number of workers, {least} to {MOST}.", hint=_HINT)
    return int(text)
