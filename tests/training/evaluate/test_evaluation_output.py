"""What evaluations say while they work, and whose figures stand in a paper's layout."""

from __future__ import annotations

import pytest

from musiscene_training.evaluate import output
from musiscene_training.evaluate.music.findings import Mean, MusicReport, SoundFigures
from musiscene_training.evaluate.music.report import paper_rows


def test_long_work_without_a_terminal_says_now_and_then_how_far_it_is(monkeypatch, capsys) -> None:
    times = iter([0.0, 1.0, output._EVERY_S, output._EVERY_S + 1])
    monkeypatch.setattr(output.time, "monotonic", lambda: next(times))
    with output.shown_progress() as shown:
        for stage, fraction in (("a", 0.1), ("rain: Watching", 0.25), ("c", 0.9)):
            shown(stage, fraction)
    assert capsys.readouterr().err == "25 % rain: Watching\n"


@pytest.mark.parametrize(("paper", "kl"), [("passt", 2.0), ("leaf", 1.0), ("another", 3.0)])
def test_a_papers_layout_has_the_classifier_of_that_paper_where_it_was_given(paper, kl) -> None:
    means = [("AST", 3.0), ("LEAF", 1.0), ("PaSST", 2.0)]
    report = MusicReport(
        reference="",
        background="",
        music=("made",),
        fads=(),
        means=tuple(Mean(music="made", what="KL", by=by, value=value) for by, value in means),
        sounds=(SoundFigures(music="made", name="rain"),),
        notes=(),
        digest="",
        made_with={},
    )
    assert [row.kl for row in paper_rows(report, paper)] == [kl]
