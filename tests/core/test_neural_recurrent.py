"""An LSTM in compiled loops remembers what torch's does; functions of e are exact."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the extra 'models' is not installed")
pytest.importorskip("numba", reason="the extra 'models' is not installed")

from musiscene_core.neural import exponential  # noqa: E402
from musiscene_core.neural.recurrent import Recurrent  # noqa: E402

pytestmark = pytest.mark.models


@pytest.mark.parametrize("width", [64, 70])
@pytest.mark.parametrize(("exact", "off"), [(True, 2e-6), (False, 3e-3)])
def test_it_remembers_what_torch_s_does(width: int, exact: bool, off: float) -> None:
    torch.manual_seed(0)
    theirs = torch.nn.LSTM(width, width, 2, batch_first=True)
    for weight in theirs.parameters():
        weight.data *= 3
    ours = Recurrent(theirs, exact=exact)
    x = torch.randn(3, 23, width)
    with torch.inference_mode():
        wanted, (held, cells) = theirs(x)
        begun, state = ours(x[:, :8], None)
        kept = [part.clone() for part in state]
        found, (ours_held, ours_cells) = ours(x[:, 8:], state)
    assert (torch.cat([begun, found], 1) - wanted).abs().max() <= off
    assert (ours_held - held).abs().max() <= off
    assert (ours_cells - cells).abs().max() <= 2 * off
    # What others go on from is left as it is.
    assert all(torch.equal(*pair) for pair in zip(kept, state, strict=True))


def test_threads_share_its_units() -> None:
    torch.manual_seed(0)
    ours = Recurrent(torch.nn.LSTM(64, 64, 1))
    x = torch.randn(2, 9, 64)
    before = torch.get_num_threads()
    found = []
    try:
        for count in (1, 2):
            torch.set_num_threads(count)
            with torch.inference_mode():
                found.append(ours(x, None)[0])
    finally:
        torch.set_num_threads(before)
    assert torch.equal(*found)


def test_functions_of_e_are_exact_to_the_last_bits() -> None:
    x = np.concatenate([np.linspace(-100, 9, 4001), -np.logspace(-8, 1, 1000)]).astype(np.float32)
    wide = x.astype(np.float64)
    wanted = {
        exponential.elu: np.where(wide > 0, wide, np.expm1(np.minimum(wide, 0))),
        exponential.tanh: np.tanh(wide),
        exponential.sigmoid: 1 / (1 + np.exp(-wide)),
    }
    for function, exact in wanted.items():
        found = np.array([function(one) for one in x], np.float64)
        assert np.abs(found - exact).max() < 2e-7
        if function is not exponential.sigmoid:
            assert np.abs(found / exact - 1)[wide != 0].max() < 5e-7


def test_what_is_no_number_stays_none() -> None:
    for function in (exponential.elu, exponential.tanh, exponential.sigmoid):
        assert np.isnan(function(np.float32(np.nan)))
