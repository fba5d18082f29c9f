"""A comparison as tables in the layout of the papers, plots, and rows for a spreadsheet."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote

from musiscene_core import chart_style as style
from musiscene_training.evaluate.music.report import table as music_table
from musiscene_training.evaluate.output import as_csv
from musiscene_training.evaluate.published import TABLE_2
from musiscene_training.evaluate.report import Figures
from musiscene_training.evaluate.strategies.findings import (
    SCENE,
    CaptionFigures,
    Comparison,
)
from musiscene_training.evaluate.strategies.keeping import MIX
from musiscene_training.evaluate.strategies.making import MUSIC
from musiscene_training.evaluate.tables import (
    PUBLISHED,
    STRATEGIES,
    aligned,
    table_2,
)
from musiscene_training.evaluate.tables import CaptionFigures as Row

CAPTIONS_PLOT, MUSIC_PLOT = "captions.png", "music.png"
_STANDARD = "standard"
_FLOOR = "floor"
_COLOURS = (style.ORANGE, style.SKY, style.GREEN, style.YELLOW, style.RED, style.PINK)
_FEW = 10


def document(found: Comparison) -> str:
    """Everything as a Markdown page, with the plots that lie beside it."""
    wish = found.wish
    engine = f"{wish.engine}:{wish.model}" if wish.model else wish.engine
    parts = [
        f"# Caption strategies on {len(found.scenes)} scenes",
        f"Music by {engine or 'nobody'}, listening by {wish.captioner}, seed {wish.seed}.",
        "## Captions",
        _written(found),
        *_captions(found),
    ]
    if found.music is not None:
        parts += ["## Music", f"![Music]({MUSIC_PLOT})", music_table(found.music).strip()]
    notes = [*found.notes, *(f"{name}: {why}" for name, why in found.problems.items())]
    if notes:
        parts += ["## Notes", "\n".join(f"- {note}" for note in notes)]
    parts += ["## What was said", *(_scene(found, name) for name in found.scenes)]
    return "\n\n".join(parts) + "\n"


def captions_csv(found: Comparison) -> bytes:
    """A row a caption; scores are those against the scene's references, in profile standard."""
    scored = {
        (one.strategy, item.id): item
        for one in found.captions
        if one.against == SCENE
        for item in one.items
    }
    rows = []
    for one in found.said:
        item = scored.get((one.strategy, one.scene))
        figures = (item.bleu, item.meteor, item.rouge_l, item.bert) if item else (None,) * 4
        rows.append(
            (
                *(one.scene, one.strategy, one.text, one.writer, " ".join(one.notes)),
                *(" | ".join(one.references), *figures),
            )
        )
    headings = ("scene", "strategy", "text", "writer", "notes", "references")
    return as_csv((*headings, "bleu", "meteor", "rouge_l", "bert"), rows)


def captions_plot(found: Comparison) -> bytes | None:
    """Each strategy against the scenes' references, its floor and published rows beside it."""
    from matplotlib.figure import Figure

    sets = [one for one in found.captions if one.against == SCENE]
    if not sets:
        return None
    scored = sets[0].report.figures[0].bert is not None
    names = ("BLEU", "METEOR", "ROUGE-L", "BERTScore") if scored else ("BLEU", "METEOR", "ROUGE-L")
    bars: list[tuple[str, tuple[float, ...], tuple[float, ...] | None]] = []
    for one in sets:
        floor = _floor(one)
        bars.append((_ours(one).name, _values(_ours(one)), _values(floor) if floor else None))
    for row in TABLE_2:
        values = (row.bleu, row.meteor, row.rouge_l, row.bert)
        bars.append((f"{row.name} ({PUBLISHED})", values, None))
    figure = Figure(figsize=(12, 5), dpi=100, facecolor=style.BACKGROUND, layout="constrained")
    axis = figure.subplots()
    width = 0.84 / len(bars)
    for rank, (label, values, floor) in enumerate(bars):
        places = [at + (rank - (len(bars) - 1) / 2) * width for at in range(len(names))]
        ours = rank < len(sets)
        colour = _COLOURS[rank % len(_COLOURS)] if ours else style.DIM
        hatch = None if ours else "//"
        heights = values[: len(names)]
        axis.bar(places, heights, width * 0.9, color=colour, label=label, hatch=hatch)
        if floor is not None:
            shown = [(place, low) for place, low in zip(places, floor, strict=False) if low]
            axis.hlines(
                [low for _, low in shown],
                [place - width * 0.45 for place, _ in shown],
                [place + width * 0.45 for place, _ in shown],
                colors=style.TEXT,
                label="floor: others' references" if rank == 0 else None,
            )
    axis.set_xticks(range(len(names)), names)
    axis.set_ylim(0, 1.3)
    axis.set_yticks([0, 0.2, 0.4, 0.6, 0.8, 1.0])
    title = "Captions against the scenes' references, profile standard"
    axis.set_title(title, color=style.TEXT, fontsize=11)
    style.legend(axis, columns=3)
    axis.set_facecolor(style.PANEL)
    axis.tick_params(colors=style.TEXT)
    for spine in axis.spines.values():
        spine.set_color(style.EDGE)
    return style.as_png(figure)


def _written(found: Comparison) -> str:
    rows = [
        [STRATEGIES[name], ", ".join(f"{who} ({count})" for who, count in writers.items()) or "-"]
        for name in found.wish.strategies
        for writers in (found.writers(name),)
    ]
    return aligned(("Strategy", "written by (scenes)"), rows)


def _captions(found: Comparison) -> list[str]:
    """The paper's table 2, and a table for each other kind of reference."""
    if not found.captions:
        return ["No caption has a reference: none was scored."]
    sets: dict[str, list[CaptionFigures]] = {}
    for one in found.captions:
        sets.setdefault(one.against, []).append(one)
    parts = []
    if SCENE in sets:
        rows = [_row(_ours(one)) for one in sets[SCENE]]
        parts += [
            f"![Captions]({CAPTIONS_PLOT})",
            "MusiScene, table 2 (ours in profile standard, against the scenes' references):\n\n"
            + table_2(rows),
        ]
    for against, ones in sets.items():
        parts.append(f"Against references of {STRATEGIES[against]}:\n\n" + _full(ones))
    signs = [
        [STRATEGIES[one.strategy], check.name, f"{check.value:.3f}", f"WARNING: {check.says}"]
        for one in found.captions
        if one.against == SCENE and one.strategy == "msi"
        for check in one.report.checks
        if check.warns
    ]
    if signs:
        parts.append(aligned(("captions", "sign of failure", "value", ""), signs))
    notes = dict.fromkeys(note for one in found.captions for note in one.report.notes)
    if any(len(one.items) < _FEW for one in found.captions):
        notes[f"Scores of fewer than {_FEW} captions say little: look at the captions."] = None
    return [*parts, "\n".join(f"- {note}" for note in notes)]


def _full(ones: Sequence[CaptionFigures]) -> str:
    headings = ("captions", "scenes", "profile", "BLEU", "METEOR", "ROUGE-L", "BERTScore")
    rows = [
        [
            f"{STRATEGIES[one.strategy]}, {row.name}" if row.name.startswith(_FLOOR) else row.name,
            str(len(one.items)),
            row.profile,
            *(f"{value:.3f}" for value in (row.bleu, row.meteor, row.rouge_l)),
            "-" if row.bert is None else f"{row.bert:.3f}",
        ]
        for one in ones
        for row in one.report.figures
        if row.profile != PUBLISHED
    ]
    return aligned(headings, rows)


def _scene(found: Comparison, name: str) -> str:
    sounds = found.music.sounds if found.music is not None else ()
    heard = {(one.music, one.name) for one in sounds}
    lines = [f"### {name}"]
    for one in found.said:
        if one.scene == name:
            text = f"**{STRATEGIES[one.strategy]}** ({one.writer}): {one.text}"
            if (one.strategy, name) in heard:
                text += f" [listen]({quote(f'{MUSIC}/{one.strategy}/{name}/{MIX}')})"
            lines.append(text)
    return "\n\n".join(lines)


def _ours(one: CaptionFigures) -> Figures:
    """The strategy's own row in profile standard."""
    return next(row for row in one.report.figures if row.profile == _STANDARD)


def _floor(one: CaptionFigures) -> Figures | None:
    rows = (row for row in one.report.figures if row.profile == _STANDARD)
    return next((row for row in rows if row.name.startswith(_FLOOR)), None)


def _row(figures: Figures) -> Row:
    return Row(figures.name, figures.bleu, figures.meteor, figures.rouge_l, figures.bert)


def _values(figures: Figures) -> tuple[float, ...]:
    return figures.bleu, figures.meteor, figures.rouge_l, figures.bert or 0.0
