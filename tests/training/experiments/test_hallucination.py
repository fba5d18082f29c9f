"""`musiscene-train experiment hallucination`, on rated samples whose rates are known."""

from __future__ import annotations

import json

import pytest

from musiscene_training.cli import main


def _rated(path, **sources):
    rows = [
        f"{source}{number},{source},{int(number < many)}"
        for source, (many, count) in sources.items()
        for number in range(count)
    ]
    path.write_text("\n".join(["id,source,hallucinated", *rows]) + "\n")
    return str(path)


def test_rates_have_wilson_s_intervals_and_are_compared(tmp_path, capsys):
    given = _rated(tmp_path / "rated.csv", llm=(20, 50), human=(5, 50))
    out = tmp_path / "out"
    assert main(["experiment", "hallucination", given, "--output", str(out)]) == 0
    llm, human = json.loads((out / "result.json").read_text())
    # Wilson: (p + z2/2n -+ z sqrt(p q / n + z2/4n2)) / (1 + z2/n), by hand for 20 of 50.
    z2, n, p = 1.959964**2, 50, 0.4
    middle, half = p + z2 / (2 * n), (z2 * (p * (1 - p) / n + z2 / (4 * n * n))) ** 0.5
    assert llm["low"] == pytest.approx((middle - half) / (1 + z2 / n), abs=1e-5)
    assert llm["high"] == pytest.approx((middle + half) / (1 + z2 / n), abs=1e-5)
    assert (llm["p"], human["rate"]) == (None, 0.1)
    assert human["p"] < 0.01
    assert (out / "scores.png").read_bytes()[1:4] == b"PNG"
    assert "SAMPLE SIZE" not in capsys.readouterr().out


def test_sources_that_were_rated_on_the_same_clips_are_compared_clip_by_clip(tmp_path, capsys):
    # They differ on ten clips, on nine of them the same way: 2 * (1 + 10) / 2^10.
    both = [(1, 0)] * 9 + [(0, 1)] + [(1, 1)] * 15 + [(0, 0)] * 15
    rows = ["id,source,hallucinated"]
    for number, (llm, human) in enumerate(both):
        rows += [f"clip{number},llm,{llm}", f"clip{number},human,{human}"]
    path = tmp_path / "rated.csv"
    path.write_text("\n".join(rows) + "\n")
    out = tmp_path / "out"
    assert main(["experiment", "hallucination", str(path), "--output", str(out)]) == 0
    llm, human = json.loads((out / "result.json").read_text())
    assert (llm["paired"], human["paired"]) == (False, True)
    assert human["p"] == pytest.approx(22 / 1024)
    assert "(same clips)" in capsys.readouterr().out


def test_a_caption_rated_twice_is_named(tmp_path, capsys):
    path = tmp_path / "rated.csv"
    path.write_text("id,source,hallucinated\na,llm,1\na,human,0\na,llm,0\n")
    assert main(["experiment", "hallucination", str(path), "--output", str(tmp_path / "out")]) == 2
    assert "a by llm more than once" in capsys.readouterr().err


def test_few_judgements_and_one_source_are_told_of(tmp_path, capsys):
    given = _rated(tmp_path / "rated.csv", llm=(0, 3))
    assert main(["experiment", "hallucination", given, "--output", str(tmp_path / "out")]) == 0
    printed = capsys.readouterr().out
    assert "fewer than 30 judgements of llm" in printed
    assert "nothing to compare" in printed


@pytest.mark.parametrize("row", ["a,llm,", "a,llm,perhaps", "a,,1"])
def test_a_row_that_was_not_rated_is_named(tmp_path, capsys, row):
    path = tmp_path / "rated.csv"
    path.write_text(f"id,source,hallucinated\n{row}\n")
    assert main(["experiment", "hallucination", str(path), "--output", str(tmp_path / "out")]) == 2
    assert "Row a of" in capsys.readouterr().err
