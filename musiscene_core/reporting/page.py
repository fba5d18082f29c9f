"""The listening page: one static HTML file beside a take's sound, of use without any network.

Whatever comes from outside (names, captions, labels) is text and stays text.
"""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from importlib.resources import files
from string import Template
from urllib.parse import quote

from musiscene_core.brief import SceneBrief
from musiscene_core.keys import key_name
from musiscene_core.reporting.chart import LEFT, RIGHT
from musiscene_core.take import Take
from musiscene_core.timecode import format_timecode

_CAPTIONS = (
    ("fusion", "Scene and music"),
    ("video", "Picture"),
    ("music", "Sound under it"),
    ("scene_imagination", "Scene imagined"),
    ("music_conditions", "Music asked for"),
)


def report_page(take: Take, brief: SceneBrief) -> str:
    """The page of a take and the brief it scores; links are relative to the take's folder."""
    page = Template(_resource("page.html"))
    return page.substitute(
        title=escape(f"{take.cue} · {take.name}"),
        cue=escape(take.cue),
        facts=escape(_facts(take)),
        style=_resource("page.css"),
        script=_resource("page.js"),
        tracks=_tracks(take),
        chart=_chart(take),
        sheet=_sheet(take),
        hits=_hits(take),
        captions=_captions(brief),
        notes=_notes(take),
        provenance=_provenance(take),
        files=_files(take),
    )


def _resource(name: str) -> str:
    return files("musiscene_core.reporting").joinpath(name).read_text("utf-8")


def _url(name: str) -> str:
    return escape(quote(name), quote=True)


def _facts(take: Take) -> str:
    begin, end = (format_timecode(at, take.rate) for at in (take.record.start, take.record.end))
    facts = [take.name, f"{take.record.length / float(take.rate.fps):.2f} s, {begin} – {end}"]
    facts.append(f"{take.rate.name} fps")
    if take.tempo is not None and take.tempo.segments:
        facts.append(f"{take.tempo.bpm_at(0.0):.1f} BPM")
    if take.tonic is not None:
        facts.append(key_name(take.tonic, take.mode))
    facts.append(f"{take.loudness_lufs:.1f} LUFS, true peak {take.true_peak_dbtp:.1f} dBTP")
    return " · ".join(facts)


def _tracks(take: Take) -> str:
    rows = [
        '<div class="track mix"><span class="name">mix</span>'
        f'<audio preload="metadata" src="{_url(take.mix)}" data-mix></audio></div>'
    ]
    for stem in take.stems:
        name = escape(stem.title)
        rows.append(
            f'<div class="track"><span class="name">{name}</span>'
            f'<button type="button" data-solo aria-pressed="false" aria-label="Solo {name}">Solo'
            '</button><button type="button" data-mute aria-pressed="false" '
            f'aria-label="Mute {name}">Mute</button>'
            f'<span class="peak">peak {stem.peak_dbfs:.1f} dBFS</span>'
            f'<audio preload="metadata" src="{_url(stem.path)}"></audio></div>'
        )
    return "\n".join(rows)


def _chart(take: Take) -> str:
    if not take.chart:
        return ""
    return (
        f'<section><h2>Cue chart</h2><div id="chart" data-left="{LEFT}" data-right="{RIGHT}">'
        f'<img src="{_url(take.chart)}" alt="Picture, form, tempo, hits, curves and loudness of '
        'the stems over time"><div id="playhead"></div></div>'
        '<p class="hint">Click to play from there.</p></section>'
    )


def _sheet(take: Take) -> str:
    if not take.lead_sheet:
        return ""
    pages = "".join(
        f'<img class="sheet" src="{_url(page)}" alt="Lead sheet, page {number}">'
        for number, page in enumerate(take.lead_sheet, start=1)
    )
    return f"<section><h2>Lead sheet</h2>{pages}</section>"


def _hits(take: Take) -> str:
    if not take.hits and not take.dropped:
        return ""
    rows = [
        _row(
            hit.label or hit.kind.replace("_", " "),
            format_timecode(take.record.start + hit.frame, take.rate),
            f"bar {hit.bar}, {hit.place}" if hit.place else "",
            f"{hit.error_frames:+.2f} frames ({hit.error_ms:+.1f} ms)",
        )
        for hit in take.hits
    ]
    left_out = [
        _row(
            hit.label or hit.kind.replace("_", " "),
            format_timecode(take.record.start + hit.frame, take.rate),
            hit.reason,
        )
        for hit in take.dropped
    ]
    head = "<tr><th>Hit</th><th>At</th><th>In the music</th><th>Off by</th></tr>"
    met = _table(head, rows) if rows else ""
    others = f"<details><summary>{len(left_out)} left out</summary>{_table('', left_out)}</details>"
    return f"<section><h2>Hits</h2>{met}{others if left_out else ''}</section>"


def _captions(brief: SceneBrief) -> str:
    captions = [(title, getattr(brief.captions, name)) for name, title in _CAPTIONS]
    rows = [
        _row(title, caption.text + (" (edited)" if caption.edited else ""))
        for title, caption in captions
        if caption.text
    ]
    return f"<section><h2>Brief</h2>{_table('', rows)}</section>" if rows else ""


def _notes(take: Take) -> str:
    if not take.warnings:
        return ""
    items = "".join(f"<li>{escape(warning)}</li>" for warning in take.warnings)
    return f"<section><h2>Not understood, and other notes</h2><ul>{items}</ul></section>"


def _provenance(take: Take) -> str:
    made = take.provenance
    allowed = "yes" if made.commercial_use else "no, or not known"
    facts = (
        ("Engine", f"{made.engine} {made.engine_version}"),
        ("Model or sounds", made.model),
        ("Its SHA-256", made.model_hash),
        ("Seed", str(made.seed)),
        ("Prompt", made.prompt),
        ("Licence of the music", made.licence),
        ("Commercial use", allowed),
        ("Request", made.request_digest),
    )
    return _table("", [_row(name, value) for name, value in facts if value])


def _files(take: Take) -> str:
    return " · ".join(f'<a href="{_url(name)}">{escape(name)}</a>' for name in take.files)


def _row(*cells: str) -> str:
    return "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in cells) + "</tr>"


def _table(head: str, rows: Iterable[str]) -> str:
    return f'<div class="wide"><table>{head}{"".join(rows)}</table></div>'
