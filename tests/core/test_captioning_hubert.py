"""Our forward of MERT against transformers': the same states from any shape it was published in."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="the extra 'models' is not installed")
pytest.importorskip("transformers", reason="the extra 'models' is not installed")

from transformers import HubertConfig  # noqa: E402

from musiscene_core.captioning.mullama.encoder import Encoder, hubert_config  # noqa: E402
from musiscene_core.captioning.mullama.hubert import fits, state_means  # noqa: E402

pytestmark = pytest.mark.models

TINY = {
    "hidden_size": 32,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "intermediate_size": 48,
    "conv_dim": (24,) * 7,
    "num_conv_pos_embeddings": 16,
    "num_conv_pos_embedding_groups": 4,
}
SHAPES = {
    "330M": {"do_stable_layer_norm": True, "feat_extract_norm": "layer", "conv_bias": True},
    "95M": {"do_stable_layer_norm": False, "feat_extract_norm": "group"},
    "no norm of the projection": {"feat_proj_layer_norm": False, "conv_bias": True},
    "uneven kernels": {
        "conv_dim": (8, 24, 16),
        "conv_kernel": (11, 4, 3),
        "conv_stride": (5, 4, 16),
        "feat_extract_norm": "layer",
    },
}


def encoder_of(**shape) -> Encoder:
    torch.manual_seed(0)
    encoder = Encoder(HubertConfig(**(TINY | shape)))
    chance = torch.Generator().manual_seed(1)
    for tensor in encoder.parameters():
        if tensor.ndim == 1:
            tensor += 0.2 * torch.randn(tensor.shape, generator=chance)
    return encoder


def sound(seconds: float):
    chance = torch.Generator().manual_seed(2)
    samples = torch.randn(int(seconds * 24_000), generator=chance)
    return samples * torch.linspace(0.1, 2, len(samples)) + 0.3


# One frame, one block of frames and one frame more, many blocks and a part of one.
@pytest.mark.parametrize("seconds", [0.1, 41_360 / 24_000, 6.3])
@pytest.mark.parametrize("shape", SHAPES)
def test_states_are_those_of_transformers(shape, seconds):
    encoder = encoder_of(**SHAPES[shape])
    samples = sound(seconds)
    assert fits(encoder.hubert.config)
    with torch.no_grad():
        theirs = encoder.hubert(samples[None], output_hidden_states=True)
        ours = state_means(encoder.hubert, samples, lambda done: None)
    states = (*theirs.hidden_states[:-1], theirs.last_hidden_state)
    wanted = torch.stack([state[0].mean(dim=0) for state in states])
    assert ours.shape == wanted.shape == (4, 32)
    assert torch.allclose(ours, wanted, atol=2e-5)
    assert (ours[0] - ours[-1]).abs().max() > 0.1


def test_what_is_done_is_told_in_order_to_the_end():
    told: list[float] = []
    encoder_of(**SHAPES["330M"]).states(sound(3.5).numpy(), told.append)
    assert told == sorted(told)
    assert len(told) > 4
    assert told[-1] == 1.0


def test_whoever_hears_of_it_can_end_it():
    class EnoughError(Exception):
        pass

    def stop(done: float) -> None:
        raise EnoughError

    with pytest.raises(EnoughError):
        encoder_of().states(sound(1).numpy(), stop)


def test_a_shape_of_its_own_is_left_to_transformers():
    config = hubert_config(TINY | {"hidden_act": "relu"})
    assert not fits(config)
    torch.manual_seed(0)
    states = Encoder(config).states(sound(0.5).numpy())
    assert states.shape == (4, 32)
    assert states.isfinite().all()
