"""Our decode loop writes what transformers' own writes, token for token, and sounds it the same."""

from __future__ import annotations

from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="the extra 'models' is not installed")
pytest.importorskip("transformers", reason="the extra 'models' is not installed")

from musiscene_core.errors import CancelledError, EngineError  # noqa: E402
from musiscene_core.neural.linear import Kernel  # noqa: E402
from musiscene_core.sampling import Sampling  # noqa: E402
from musiscene_daemon.engines.musicgen import codec as codec_module  # noqa: E402
from musiscene_daemon.engines.musicgen import decoder as decoding  # noqa: E402
from musiscene_daemon.engines.musicgen.codec import Stream  # noqa: E402
from musiscene_daemon.engines.musicgen.decoder import Decoder, Pass  # noqa: E402
from musiscene_daemon.engines.musicgen.generation import Conditions  # noqa: E402
from musiscene_daemon.engines.musicgen.model import MusicGen, Several, load  # noqa: E402
from musiscene_daemon.engines.musicgen.shape import DecoderShape, ModelShape  # noqa: E402
from tests.support import tiny_musicgen  # noqa: E402

pytestmark = pytest.mark.models

GREEDY = Sampling(temperature=0.0)
PROMPT = "slow strings, minor"
LONG = "a long description of quiet music that nobody could hum, with many words in it"


def ours_of(folder: Path, model, kernel: Kernel = "float32") -> MusicGen:
    model.save_pretrained(folder)
    tiny_musicgen.tokenizer().save_pretrained(folder)
    return load(folder, kernel=kernel)


def theirs(model, prompt: str, steps: int, guidance: float, **further):
    """Tokens [takes, codebooks, frames] and sound of transformers' greedy generate."""
    codes = []
    codec = model.audio_encoder
    decode = codec.decode

    def kept(given, *arguments, **named):
        codes.append(given[0])
        return decode(given, *arguments, **named)

    codec.decode = kept
    inputs = tiny_musicgen.tokenizer()(prompt, return_tensors="pt")
    sound = model.generate(
        input_ids=inputs.input_ids,
        attention_mask=inputs.attention_mask,
        do_sample=False,
        guidance_scale=guidance,
        max_new_tokens=steps,
        **further,
    )
    codec.decode = decode
    return codes, sound


@pytest.mark.parametrize("guidance", [1.0, 3.0])
@pytest.mark.parametrize("prompt", [PROMPT, LONG], ids=["folded", "as it is"])
@pytest.mark.parametrize(
    ("kind", "text_width"), [("mono", 24), ("mono", 32), ("stereo", 24), ("melody", 24)]
)
def test_greedy_tokens_and_sound_equal_transformers(
    tmp_path: Path, kind: str, text_width: int, prompt: str, guidance: float
) -> None:
    model = tiny_musicgen.make(kind, text_width=text_width)
    ours = ours_of(tmp_path, model)
    sides = 2 if kind == "stereo" else 1
    frames = 40
    codes, sound = theirs(model, prompt, frames + 3, guidance)
    sampling = Sampling(temperature=0.0, guidance=guidance)
    written = ours.write(prompt, frames, [0], sampling)
    for side in range(sides):
        assert torch.equal(written.codes[:, side::sides], codes[side])
    compiled = load(tmp_path, kernel="float32-numba")
    assert compiled.decoder.on_host
    assert torch.equal(compiled.write(prompt, frames, [0], sampling).codes, written.codes)
    assert len(written.codes.unique()) >= 12
    assert written.audio.shape == sound.shape
    assert (written.audio - sound).abs().max() <= 1e-5 * sound.abs().max()


def test_a_melody_is_followed_as_transformers_follows_it(tmp_path: Path) -> None:
    model = tiny_musicgen.make("melody")
    ours = ours_of(tmp_path, model)
    chroma = torch.nn.functional.one_hot(torch.tensor([0, 4, 7, 9, 2]), 12).float()
    codes, _ = theirs(model, PROMPT, 43, 3.0, input_features=chroma[None])
    written = ours.write(PROMPT, 40, [0], GREEDY, chroma=chroma)
    assert torch.equal(written.codes, codes[0])
    assert not torch.equal(written.codes, ours.write(PROMPT, 40, [0], GREEDY).codes)


@pytest.mark.parametrize("kind", ["mono", "stereo", "melody"])
def test_a_greedy_continuation_is_the_same_music(tmp_path: Path, kind: str) -> None:
    ours = load(tiny_musicgen.save(tmp_path, kind))
    whole = ours.write(PROMPT, 50, [0], GREEDY).codes
    again = ours.write(PROMPT, 50, [0], GREEDY, continued=whole[..., :20]).codes
    assert torch.equal(again, whole)


@pytest.mark.parametrize("kernel", ["float32", "int8-numba"])
def test_takes_in_one_pass_are_those_made_alone(tmp_path: Path, kernel: Kernel) -> None:
    ours = load(tiny_musicgen.save(tmp_path), kernel=kernel)
    sampling = Sampling(top_k=20)
    both = ours.write(PROMPT, 30, [5, 6], sampling)
    for row, seed in enumerate((5, 6)):
        alone = ours.write(PROMPT, 30, [seed], sampling)
        assert torch.equal(both.codes[row], alone.codes[0])
    assert not torch.equal(both.codes[0], both.codes[1])


@pytest.mark.parametrize(
    ("kind", "kernel"),
    [
        ("mono", "float32"),
        ("mono", "float32-numba"),
        ("mono", "int8-numba"),
        ("melody", "float32-numba"),
    ],
)
def test_takes_that_hear_different_words_in_one_pass_are_those_made_alone(
    tmp_path: Path, kind: str, kernel: Kernel
) -> None:
    ours = load(tiny_musicgen.save(tmp_path, kind), kernel=kernel)
    sampling = Sampling(top_k=20)
    prompts = (PROMPT, LONG, "drums")
    chroma = torch.nn.functional.one_hot(torch.tensor([0, 4, 7, 9, 2]), 12).float()
    chromas = (chroma, None, None) if kind == "melody" else (None,) * 3
    hears, seeds = (2, 0, 1, 0), [5, 5, 6, 7]
    # What is read at once is rounded by how many rows there are, which int8 makes more of.
    read = 12 if kernel.startswith("float32") else 0
    begun = torch.randint(0, 64, (4, 4, read), generator=torch.Generator().manual_seed(1))
    together = ours.write(Several(prompts, chromas, hears), 40, seeds, sampling, continued=begun)
    for row, (heard, seed) in enumerate(zip(hears, seeds, strict=True)):
        told = Several(prompts, chromas, (heard,))
        alone = ours.write(told, 40, [seed], sampling, continued=begun[row : row + 1])
        assert torch.equal(together.codes[row], alone.codes[0])
        apart = (together.audio[row] - alone.audio[0]).abs().max()
        assert apart <= 1e-5 * alone.audio.abs().max()
        if kind == "mono" and kernel.startswith("float32"):
            usual = ours.write(prompts[heard], 40, [seed], sampling, continued=begun[row : row + 1])
            assert torch.equal(usual.codes, alone.codes)
    # The same chance, other words.
    assert not torch.equal(together.codes[0], together.codes[1])


def test_several_threads_take_the_same_step(tmp_path: Path) -> None:
    ours = load(tiny_musicgen.save(tmp_path), kernel="int8-numba")
    before = torch.get_num_threads()
    written = []
    try:
        for count in (1, 2, 3):
            torch.set_num_threads(count)
            written.append(ours.write(LONG, 8, [5, 6]).codes)
    finally:
        torch.set_num_threads(before)
    assert torch.equal(written[1], written[0])
    assert torch.equal(written[2], written[0])


def test_drawing_keeps_to_the_likeliest_and_to_their_chances() -> None:
    from musiscene_daemon.engines.musicgen.sampling import Chance, drawn

    logits = torch.log(torch.tensor([0.5, 0.3, 0.15, 0.05])).expand(1, 20_000, 4).contiguous()

    def shares(**how: float) -> list[float]:
        found = drawn(logits, Sampling(**{"top_k": 0, **how}), Chance([1]))
        return (torch.bincount(found.flatten(), minlength=4) / 20_000).tolist()

    assert shares() == pytest.approx([0.5, 0.3, 0.15, 0.05], abs=0.02)
    assert shares(top_k=2) == pytest.approx([0.625, 0.375, 0, 0], abs=0.02)
    assert shares(top_p=0.6) == pytest.approx([0.625, 0.375, 0, 0], abs=0.02)
    assert shares(top_p=0.1) == [1.0, 0, 0, 0]
    cold = [p**2 / 0.365 for p in (0.5, 0.3, 0.15, 0.05)]
    assert shares(temperature=0.5) == pytest.approx(cold, abs=0.02)


@pytest.mark.parametrize("step", [1, 2, 7, 25])
def test_sound_in_pieces_is_that_of_a_whole_pass(tmp_path: Path, step: int) -> None:
    codec = load(tiny_musicgen.save(tmp_path)).codec
    assert (codec.margin, codec.ahead) == (1, 3)
    codes = torch.randint(0, 64, (2, 4, 53), generator=torch.Generator().manual_seed(1))
    whole = codec.whole(codes)
    stream = Stream(codec)
    parts = codes.split(step, -1)
    pieces = [stream.push(part, final=part is parts[-1]) for part in parts]
    joined = torch.cat(pieces, -1)[:, 0]
    assert joined.shape == whole.shape
    assert (joined - whole).abs().max() <= 1e-5 * whole.abs().max()


def test_torch_s_layers_and_compiled_ones_sound_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny_musicgen.save(tmp_path)
    codes = torch.randint(0, 64, (2, 4, 30), generator=torch.Generator().manual_seed(1))
    compiled = load(tmp_path).codec.whole(codes)
    half = load(tmp_path, kernel="int8-numba").codec.whole(codes)
    monkeypatch.setattr(codec_module, "supported", lambda kernel: False)
    plain = load(tmp_path).codec
    for sound, off in ((compiled, 1e-5), (half, 1e-3)):
        assert (sound - plain.whole(codes)).abs().max() <= off * sound.abs().max()
    stream = Stream(plain)
    pieces = [stream.push(part) for part in codes.split(7, -1)]
    pieces.append(stream.push(codes[..., :0], final=True))
    joined = torch.cat(pieces, -1)[:, 0]
    assert (joined - compiled).abs().max() <= 1e-5 * compiled.abs().max()


@pytest.mark.parametrize("channels", [1, 2])
def test_a_stream_goes_on_in_several_ways(tmp_path: Path, channels: int) -> None:
    ours = load(tiny_musicgen.save(tmp_path, "stereo" if channels == 2 else "mono"))
    chance = torch.Generator().manual_seed(1)
    books = 4 * channels
    begun = torch.randint(0, 64, (2, books, 21), generator=chance)
    ends = torch.randint(0, 64, (3, books, 17), generator=chance)
    stream = ours.stream()
    first = stream.push(begun)
    takes = [1, 0, 1]
    rest = stream.forked(takes).push(ends, final=True)
    whole = ours.stream().push(torch.cat([begun[takes], ends], -1), final=True)
    assert rest.shape == (3, channels, whole.shape[-1] - first.shape[-1])
    assert (torch.cat([first[takes], rest], -1) - whole).abs().max() <= 1e-5 * whole.abs().max()
    # The stream that was left is as it was.
    alone = stream.push(ends[:2], final=True)
    again = ours.stream().push(torch.cat([begun, ends[:2]], -1), final=True)
    assert (torch.cat([first, alone], -1) - again).abs().max() <= 1e-5 * again.abs().max()


@pytest.mark.parametrize("frames", [1, 2, 3])
def test_very_short_sound_is_whole_too(tmp_path: Path, frames: int) -> None:
    ours = load(tiny_musicgen.save(tmp_path))
    written = ours.write(PROMPT, frames, [0])
    assert written.audio.shape == (1, 1, frames * 640)
    assert torch.isfinite(written.audio).all()


@pytest.mark.parametrize("kernel", ["float32", "int8-numba"])
def test_output_that_is_no_number_stops_the_work(tmp_path: Path, kernel: Kernel) -> None:
    ours = load(tiny_musicgen.save(tmp_path), kernel=kernel)
    ours.decoder._norm.weight[3] = float("nan")
    with pytest.raises(EngineError, match="stopped being numbers"):
        ours.write(PROMPT, 100, [0])


def test_what_a_step_raises_stops_the_work(tmp_path: Path) -> None:
    ours = load(tiny_musicgen.save(tmp_path))
    steps = []

    def stop(done: int, of: int) -> None:
        steps.append((done, of))
        if done == 5:
            raise CancelledError("The job was cancelled.")

    with pytest.raises(CancelledError):
        ours.write(PROMPT, 100, [0], step_done=stop)
    assert steps[-1] == (5, 103)


@pytest.mark.parametrize("kind", ["mono", "melody"])
def test_a_step_of_fixed_shape_is_the_same_step(tmp_path: Path, kind: str) -> None:
    ours = load(tiny_musicgen.save(tmp_path, kind))
    decoder = ours.decoder
    conditions, _ = ours.conditions(PROMPT)
    words = () if kind == "melody" else decoder.words(conditions.words)
    hearing = [] if kind == "melody" else [0]
    one, other = (Pass(decoder, words, 2, hearing, 256) for _ in range(2))
    x = torch.randn(2, 140, 32, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        one.run(x[:, :120], 0)
        other.run(x[:, :120], 0)
        for at in range(120, 140):
            exact = one.run(x[:, at : at + 1], at)
            fixed = other.step(x[:, at : at + 1], torch.tensor([at]), 128 if at < 128 else 256)
            assert (exact - fixed).abs().max() <= 1e-5 * exact.abs().max()
    assert torch.allclose(one.keys, other.keys, atol=1e-5)


@pytest.mark.parametrize(
    ("kernel", "cached", "off"),
    [("float16-numba", torch.float16, 3e-3), ("int8-numba", torch.int8, 5e-2)],
)
def test_narrow_weights_and_a_narrow_cache_hear_nearly_the_same(
    kernel: Kernel, cached: torch.dtype, off: float
) -> None:
    pytest.importorskip("numba", reason="the extra 'models' is not installed")
    torch.manual_seed(0)
    shape = ModelShape(
        "musicgen",
        DecoderShape(
            hidden_size=128, num_hidden_layers=2, num_attention_heads=2, ffn_dim=64, vocab_size=64
        ),
        text_encoder={"d_model": 24},
    )
    states = {name: torch.randn(size) * size[-1] ** -0.5 for name, size in shape.weights().items()}
    exact = Decoder(shape, states.__getitem__)
    narrow = Decoder(shape, states.__getitem__, kernel)
    assert narrow.cached == cached
    heard = Conditions((torch.randn(5, 128),))
    begun = torch.randint(0, 64, (1, 4, 150))
    found = []
    for one in (exact, narrow):
        run = Pass(one, one.words(heard.words), 2, [0], 200)
        with torch.inference_mode():
            x = one.embedded(begun).expand(2, -1, -1)
            states_of = [run.run(x[:, :140], 0)]
            states_of += [run.run(x[:, at : at + 1], at) for at in range(140, 150)]
        found.append(torch.stack(states_of))
    assert (found[0] - found[1]).abs().max() <= off * found[0].abs().max()
    assert not torch.equal(*found)


def test_what_is_read_in_parts_is_read_as_a_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = load(tiny_musicgen.save(tmp_path))
    begun = torch.randint(0, 64, (2, 4, 90), generator=torch.Generator().manual_seed(1))
    whole = ours.write(PROMPT, 110, [1, 2], GREEDY, continued=begun).codes
    monkeypatch.setattr(decoding, "_ROWS_AT_ONCE", 40)
    asked: list[int] = []
    parts = ours.write(
        PROMPT, 110, [1, 2], GREEDY, continued=begun, step_done=lambda done, _: asked.append(done)
    )
    assert torch.equal(parts.codes, whole)
    # Between the layers (3) of each of ten parts, before any step is done.
    assert asked.count(90) >= 3 * 9


def test_a_prompt_is_heard_once(tmp_path: Path) -> None:
    ours = load(tiny_musicgen.save(tmp_path))
    first = ours.write(PROMPT, 8, [3]).codes
    asked: list[int] = []
    again = ours.write(PROMPT, 8, [3], step_done=lambda done, _: asked.append(done))
    assert torch.equal(again.codes, first)
    assert 0 not in asked
    other = ours.write(LONG, 8, [3]).codes
    assert not torch.equal(other, first)
    assert torch.equal(ours.write(PROMPT, 8, [3]).codes, first)


def test_work_can_be_stopped_before_the_first_step(tmp_path: Path) -> None:
    ours = load(tiny_musicgen.save(tmp_path))

    def stop(done: int, of: int) -> None:
        raise CancelledError(f"at {done} of {of}")

    with pytest.raises(CancelledError, match="at 0 of 103"):
        ours.write(PROMPT, 100, [0], step_done=stop)


def test_sound_that_is_no_number_stops_the_work(tmp_path: Path) -> None:
    ours = load(tiny_musicgen.save(tmp_path))
    for layer in ours.codec.quantizer.layers:
        layer.codebook.embed.fill_(float("inf"))
    with pytest.raises(EngineError, match="codec may be damaged"):
        ours.write(PROMPT, 40, [0])


def test_a_prompt_of_thousands_of_words_is_cut(tmp_path: Path) -> None:
    ours = load(tiny_musicgen.save(tmp_path))
    long = "word " * 5_000
    written = ours.write(f"{long}A minor", 5, [0])
    assert written.left_out > 1_000
    assert written.codes.shape == (1, 4, 5)
    slow, fast, other = (
        ours.conditions(prompt)[0].words[0]
        for prompt in (f"{long}90 bpm", f"{long}99 bpm", f"{long}{long}90 bpm")
    )
    assert len(slow) == 256
    # Key and tempo stand last, and are heard; how much was left out before them is not.
    assert not torch.equal(slow, fast)
    assert torch.equal(slow, other)
