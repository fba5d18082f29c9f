"""MusicGen on a GPU: the same tokens, captured steps, and less at a time where memory runs out.

`pytest -m gpu` where a CUDA device is.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the extra 'models' is not installed")
pytest.importorskip("transformers", reason="the extra 'models' is not installed")

from musiscene_core.neural.linear import Kernel  # noqa: E402
from musiscene_core.progress import silent  # noqa: E402
from musiscene_daemon.engines.cuda_devices import cuda_devices  # noqa: E402
from musiscene_daemon.engines.musicgen import generation, writing  # noqa: E402
from musiscene_daemon.engines.musicgen import graphs as graphs_module  # noqa: E402
from musiscene_daemon.engines.musicgen.engine import DTYPE_VARIABLE, MusicGenEngine  # noqa: E402
from musiscene_daemon.engines.musicgen.finding import WEIGHTS_VARIABLE  # noqa: E402
from musiscene_daemon.engines.musicgen.model import MusicGen, load  # noqa: E402
from musiscene_daemon.engines.musicgen.sampling import Sampling  # noqa: E402
from musiscene_daemon.residency.residents import Residents  # noqa: E402
from tests.daemon.test_musicgen_engine import wish  # noqa: E402
from tests.daemon.test_musicgen_parity import LONG, PROMPT, theirs  # noqa: E402
from tests.daemon.test_musicgen_writing import work_of  # noqa: E402
from tests.support import tiny_musicgen  # noqa: E402

pytestmark = [
    pytest.mark.models,
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device"),
]

DEVICE = "cuda"
GREEDY = Sampling(temperature=0.0)
PAST_A_GRAPH = 200
"""Frames, of which a graph takes 128 positions."""


@pytest.fixture
def capped() -> Iterator[None]:
    """What a test caps of the device's memory is free again behind it."""
    yield
    torch.cuda.set_per_process_memory_fraction(1.0)
    torch.cuda.empty_cache()


def cap(bytes_: int) -> None:
    """Let this process have so much of the device's memory."""
    torch.cuda.empty_cache()
    whole = torch.cuda.get_device_properties(0).total_memory
    torch.cuda.set_per_process_memory_fraction(bytes_ / whole)


@pytest.mark.parametrize("prompt", [PROMPT, LONG], ids=["folded", "as it is"])
@pytest.mark.parametrize("kind", ["mono", "stereo", "melody"])
def test_greedy_tokens_in_float32_equal_transformers(
    tmp_path: Path, kind: str, prompt: str
) -> None:
    folder = tiny_musicgen.save(tmp_path, kind)
    # Their tensors are made on the device where the model is.
    torch.set_default_device(DEVICE)
    try:
        codes, _ = theirs(tiny_musicgen.make(kind).to(DEVICE), prompt, 40 + 3, 3.0)
    finally:
        torch.set_default_device(None)
    written = load(folder, device=DEVICE).write(prompt, 40, [0], GREEDY)
    sides = 2 if kind == "stereo" else 1
    for side in range(sides):
        assert torch.equal(written.codes[:, side::sides].cpu(), codes[side].cpu())


@pytest.mark.parametrize("kind", ["mono", "stereo", "melody"])
@pytest.mark.parametrize("kernel", ["float32", "bfloat16"])
def test_graphs_write_what_steps_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, kernel: Kernel
) -> None:
    ours = load(tiny_musicgen.save(tmp_path, kind), device=DEVICE, kernel=kernel)
    captured = 0
    capture = graphs_module._Graphed._captured

    def counted(self: graphs_module._Graphed, x: torch.Tensor, bucket: int) -> object:
        nonlocal captured
        captured += 1
        return capture(self, x, bucket)

    monkeypatch.setattr(graphs_module._Graphed, "_captured", counted)
    graphed = ours.write(PROMPT, PAST_A_GRAPH, [0, 1], GREEDY)
    assert captured == 2
    # The very steps that were captured, one kernel at a time.
    monkeypatch.setattr(generation, "stepper", eager)
    single = ours.write(PROMPT, PAST_A_GRAPH, [0, 1], GREEDY)
    assert torch.equal(graphed.codes, single.codes)
    assert torch.allclose(graphed.audio, single.audio, atol=1e-4)


def eager(run: object) -> graphs_module.Step:
    """Steps of the shapes that graphs have, without one."""

    def step(x: torch.Tensor, at: int) -> torch.Tensor:
        bucket = at // graphs_module.BUCKET * graphs_module.BUCKET + graphs_module.BUCKET
        if bucket > run.room:
            return run.run(x, at)
        return run.step(x, torch.tensor([at], device=run.device), bucket)

    return step


def test_steps_of_fixed_shapes_are_those_of_growing_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = load(tiny_musicgen.save(tmp_path), device=DEVICE)
    fixed = ours.write(PROMPT, PAST_A_GRAPH, [0], GREEDY).codes
    monkeypatch.setattr(generation, "stepper", lambda run: run.run)
    assert torch.equal(fixed, ours.write(PROMPT, PAST_A_GRAPH, [0], GREEDY).codes)


def test_rows_that_do_not_fit_together_are_written_one_after_the_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capped: None
) -> None:
    ours = load(tiny_musicgen.save(tmp_path), device=DEVICE)
    monkeypatch.setattr(writing, "_REDRAWS", 0)
    sizes: list[int] = []
    write = MusicGen.write

    def noted(self: MusicGen, prompt: str, frames: int, seeds: list[int], *more: object, **named):
        sizes.append(len(seeds))
        return write(self, prompt, frames, seeds, *more, **named)

    monkeypatch.setattr(MusicGen, "write", noted)

    def peak(rows: int) -> int:
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
        ours.write(PROMPT, 400, list(range(rows)))
        return torch.cuda.max_memory_reserved()

    least, most = peak(4), peak(32)
    assert most > 1.5 * least
    work = work_of(ours, 8.0, 1)
    seeds = list(range(32))
    wide = writing.sounds(writing.Work(**{**vars(work), "rows": 32}), seeds, silent)
    sizes.clear()
    cap((least + most) // 2)
    found = writing.sounds(writing.Work(**{**vars(work), "rows": 32}), seeds, silent)
    assert sizes[0] == 32
    assert max(sizes[1:]) <= 16
    for (one,), (other,) in zip(found, wide, strict=True):
        assert np.abs(one.audio - other.audio).max() <= 1e-3 * np.abs(other.audio).max()


def test_where_the_gpu_is_full_the_processor_makes_the_take(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capped: None
) -> None:
    monkeypatch.setenv("MUSISCENE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv(WEIGHTS_VARIABLE, str(tiny_musicgen.save(tmp_path / "musicgen-tiny")))
    monkeypatch.setenv(DTYPE_VARIABLE, "float32")
    engine = MusicGenEngine()
    residents = Residents()
    residents.add_devices(cuda_devices)
    engine.use_models(residents)
    cap(1)
    place = tmp_path / "take"
    place.mkdir()
    request = wish(0.6)
    take = engine.score(request, 1, "take-1", place, silent)
    assert take.length_samples == request.brief.timeline.length_samples
    assert [model.device for model in residents.models()] == ["cpu"]


def test_half_is_near_float32(tmp_path: Path) -> None:
    folder = tiny_musicgen.save(tmp_path)
    exact, near = (load(folder, device=DEVICE, kernel=kernel) for kernel in ("float32", "bfloat16"))
    codes = exact.write(PROMPT, 40, [0], GREEDY).codes
    found = [scores(model, codes) for model in (exact, near)]
    assert (found[0] - found[1]).norm() <= 0.05 * found[0].norm()


@torch.inference_mode()
def scores(model: MusicGen, codes: torch.Tensor) -> torch.Tensor:
    """What a model gives each token after reading `codes` [1, codebooks, n]."""
    conditions, _ = model.conditions(PROMPT)
    decoder = model.decoder
    run = generation.Pass(decoder, decoder.words(conditions.words), 1, [0], codes.shape[-1])
    steps = range(codes.shape[-1])
    return torch.cat([run.run(decoder.embedded(codes[..., at : at + 1]), at) for at in steps])
