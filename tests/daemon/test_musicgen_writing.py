"""Windows of several takes: what is heard on the way is the take's sound, computed once."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the extra 'models' is not installed")
pytest.importorskip("transformers", reason="the extra 'models' is not installed")

from musiscene_core.composing.compose import compose  # noqa: E402
from musiscene_core.cue import STEM_ROLES  # noqa: E402
from musiscene_core.errors import CancelledError  # noqa: E402
from musiscene_core.progress import silent  # noqa: E402
from musiscene_core.request import ScoreRequest  # noqa: E402
from musiscene_daemon.engines.musicgen import windows, writing  # noqa: E402
from musiscene_daemon.engines.musicgen.model import MusicGen, Several, load  # noqa: E402
from tests.support import tiny_musicgen  # noqa: E402
from tests.support.scenes import brief_of  # noqa: E402

pytestmark = pytest.mark.models

HOP = 640


@pytest.fixture(scope="module")
def mono(tmp_path_factory: pytest.TempPathFactory) -> MusicGen:
    return load(tiny_musicgen.save(tmp_path_factory.mktemp("mono")))


@pytest.fixture(scope="module")
def stereo(tmp_path_factory: pytest.TempPathFactory) -> MusicGen:
    return load(tiny_musicgen.save(tmp_path_factory.mktemp("stereo"), "stereo"))


def work_of(model: MusicGen, length_s: float, candidates: int) -> writing.Work:
    request = ScoreRequest(brief=brief_of(length_s, valence=0.4, arousal=0.6), engine="musicgen")
    return writing.Work(
        model=model,
        request=request,
        plan=compose(request, 1),
        moments=(),
        length_s=length_s,
        candidates=candidates,
    )


@pytest.fixture(autouse=True)
def short_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(windows, "WINDOW_S", 6.0)
    monkeypatch.setattr(windows, "OVERLAP_S", 1.5)
    monkeypatch.setattr(windows, "_LEAST_NEW_S", 2.0)


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> list[torch.Tensor]:
    """The tokens of each take that was finished."""
    codes: list[torch.Tensor] = []
    sound = writing._Writing.sound

    def kept(self: writing._Writing, *given: float) -> writing.Sound:
        codes.append(self.codes)
        return sound(self, *given)

    monkeypatch.setattr(writing._Writing, "sound", kept)
    return codes


def whole(model: MusicGen, codes: torch.Tensor) -> torch.Tensor:
    return model.stream().push(codes[None], final=True)[0]


def assert_sounds(model: MusicGen, found: torch.Tensor, codes: torch.Tensor) -> None:
    exact = whole(model, codes)
    assert found.shape == exact.shape
    assert (found - exact).abs().max() <= 1e-5 * exact.abs().max()


@pytest.mark.parametrize(("kind", "candidates"), [("mono", 2), ("stereo", 1)])
def test_takes_in_windows_sound_as_their_tokens_do(
    request: pytest.FixtureRequest,
    written: list[torch.Tensor],
    kind: str,
    candidates: int,
) -> None:
    model = request.getfixturevalue(kind)
    made = writing.sounds(work_of(model, 8.0, candidates), [1, 2], silent)
    assert [len(one.windows) for (one,) in made] == [2, 2]
    assert not torch.equal(written[0][..., :100], written[1][..., :100])
    for (one,), codes in zip(made, written, strict=True):
        assert_sounds(model, torch.from_numpy(one.audio), codes)
        assert one.first_sound_s > 0


def test_parts_of_takes_are_rows_of_one_pass_and_what_each_is_in_a_pass_of_its_own(
    mono: MusicGen, written: list[torch.Tensor], monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = (writing.Part("bass"), writing.Part("melody"), writing.Part("percussion"))
    work = replace(work_of(mono, 8.0, 2), parts=parts, rows=6)
    rows: list[int] = []
    write = MusicGen.write

    def noted(self: MusicGen, told: Several, frames: int, seeds: list[int], *more, **named):
        rows.append(len(seeds))
        return write(self, told, frames, seeds, *more, **named)

    monkeypatch.setattr(MusicGen, "write", noted)
    made = writing.sounds(work, [1, 2], silent)
    # Six candidates in each of two windows, for each take.
    assert rows[0] == 6
    assert max(rows) == 6
    assert [[len(one.windows) for one in take] for take in made] == [[2] * 3] * 2
    for number, part in enumerate(parts):
        alone = writing.sounds(replace(work, parts=(part,)), [1, 2], silent)
        for take, (one,) in zip(made, alone, strict=True):
            assert take[number].windows[0].prompt == one.windows[0].prompt
            assert np.abs(take[number].audio - one.audio).max() <= 1e-4 * np.abs(one.audio).max()
    whole = written[:6]
    assert all(not torch.equal(whole[0], other) for other in whole[1:])


def test_rows_are_shared_out_equally_to_passes(
    mono: MusicGen, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = tuple(writing.Part(role) for role in STEM_ROLES)
    sizes: list[int] = []

    def noted(self: MusicGen, told: Several, frames: int, seeds: list[int], *more, **named):
        sizes.append(len(seeds))
        raise CancelledError("enough") if len(sizes) == 2 else MemoryError

    monkeypatch.setattr(MusicGen, "write", noted)
    with pytest.raises(CancelledError):
        writing.sounds(replace(work_of(mono, 2.0, 2), parts=parts), [1], silent)
    # Ten rows of which eight may go together; half as many where memory runs out.
    assert sizes == [5, 3]


def test_nothing_is_decoded_twice(
    mono: MusicGen, monkeypatch: pytest.MonkeyPatch, written: list[torch.Tensor]
) -> None:
    decoded = 0
    decode = mono.codec.quantizer.decode

    def counted(codes: torch.Tensor) -> torch.Tensor:
        nonlocal decoded
        decoded += codes.shape[-1]
        return decode(codes)

    monkeypatch.setattr(mono.codec.quantizer, "decode", counted)
    monkeypatch.setattr(writing, "_REDRAWS", 0)
    writing.sounds(work_of(mono, 14.0, 1), [1], silent)
    # The first convolution looks a few frames around each piece of 25.
    assert 700 <= decoded <= 1.3 * written[0].shape[-1]


@pytest.mark.parametrize("kept", [1, 8, 9, 33, 60, 61, 100])
def test_a_window_is_left_where_one_likes(mono: MusicGen, kept: int) -> None:
    begun = torch.randint(0, 64, (1, 4, 70), generator=torch.Generator().manual_seed(1))
    take = writing._Writing(1, begun[0], mono.stream())
    take.pieces.append(take.stream.push(begun)[0])
    made = mono.write(
        "slow",
        130,
        [3, 4],
        continued=begun[..., 40:].expand(2, -1, -1),
        stream=take.stream.forked([0, 0]),
        last=False,
    )
    row = writing._Row(made, 1, 30, True)
    take.go_on(row, row.codes[:, :kept], last=False, alive=lambda: None)
    assert take.frames == 70 + kept
    more = torch.randint(0, 64, (4, 40), generator=torch.Generator().manual_seed(2))
    take.pieces.append(take.stream.push(more[None], final=True)[0])
    assert_sounds(mono, torch.cat(take.pieces, -1), torch.cat([take.codes, more], -1))


def test_a_piece_of_many_takes_is_asked_within_each_of_them(mono: MusicGen) -> None:
    codes = torch.randint(0, 64, (6, 4, 50), generator=torch.Generator().manual_seed(1))
    asked = 0

    def alive() -> None:
        nonlocal asked
        asked += 1

    together = mono.stream().push(codes, final=True, alive=alive)
    # Four stages and the last convolution of each row.
    assert asked >= 6 * 5

    def stop() -> None:
        nonlocal asked
        asked -= 1
        if not asked:
            raise CancelledError("The job was cancelled.")

    with pytest.raises(CancelledError):
        mono.stream().push(codes, final=True, alive=stop)
    alone = torch.cat([mono.stream().push(one[None], final=True) for one in codes])
    assert (together - alone).abs().max() <= 1e-5 * alone.abs().max()


def test_streams_that_are_equally_far_go_on_as_one(mono: MusicGen) -> None:
    streams = [mono.stream(), mono.stream()]
    codes = torch.randint(0, 64, (1, 4, 20), generator=torch.Generator().manual_seed(1))
    for stream in streams:
        stream.push(codes)
    together = type(streams[0]).together(streams)
    assert together is not None
    both = together.push(codes.expand(2, -1, -1), final=True)
    alone = streams[0].push(codes, final=True)
    assert (both - alone).abs().max() <= 1e-5 * alone.abs().max()


def test_takes_that_were_left_on_different_beats_are_decoded_once(
    mono: MusicGen, monkeypatch: pytest.MonkeyPatch
) -> None:
    chance = torch.Generator().manual_seed(1)
    takes = []
    for length in (61, 80, 73):
        codes = torch.randint(0, 64, (4, length), generator=chance)
        take = writing._Writing(1, codes, mono.stream())
        take.pieces += [take.stream.push(part[None])[0] for part in codes.split(17, -1)]
        takes.append(take)
    decoded = 0
    entered = mono.codec.entered

    def counted(codes: torch.Tensor) -> torch.Tensor:
        nonlocal decoded
        decoded += codes.shape[0] * codes.shape[-1]
        return entered(codes)

    monkeypatch.setattr(mono.codec, "entered", counted)
    work = work_of(mono, 3.0, 1)
    told = writing._Told(silent)
    rows, _ = writing._written(
        work, [(take, seed) for seed, take in enumerate(takes)], ["slow"], 50, 40, [None], told, 150
    )
    assert all(row.streamed for row in rows)
    # A piece of 10 frames and one of 30, and a few frames around each.
    assert decoded <= 3 * (40 + 2 * 7)
    for take, row, kept in zip(takes, rows, (40, 33, 12), strict=True):
        take.go_on(row, row.codes[:, :kept], last=False, alive=lambda: None)
        take.pieces.append(take.stream.push(take.codes[None, :, :0], final=True)[0])
        assert_sounds(mono, torch.cat(take.pieces, -1), take.codes)


def test_a_stream_that_has_hardly_begun_goes_on_alone(mono: MusicGen) -> None:
    streams = [mono.stream(), mono.stream()]
    codes = torch.randint(0, 64, (1, 4, 20), generator=torch.Generator().manual_seed(1))
    streams[0].push(codes)
    streams[1].push(codes[..., :3])
    assert type(streams[0]).together(streams) is None


def test_the_first_sound_is_told(mono: MusicGen) -> None:
    stages: list[str] = []
    ((made,),) = writing.sounds(work_of(mono, 2.0, 1), [1], lambda stage, _: stages.append(stage))
    told = [stage for stage in stages if stage.startswith("First sound after")]
    assert told == [f"First sound after {made.first_sound_s:.1f} s"]
    assert stages.index(told[0]) < len(stages) - 50
