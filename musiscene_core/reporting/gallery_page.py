"""The page of a gallery: a player and the measured figures of each cue, one static HTML file."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from importlib.resources import files
from urllib.parse import quote

_MARK = ' class="off"'


def gallery_page(
    title: str, columns: Sequence[str], rows: Sequence[tuple[str, Sequence[tuple[str, bool]]]]
) -> str:
    """The page, with links relative to its own folder.

    Args:
        title: its heading.
        columns: the figures' names.
        rows: for each cue its sound file, and of each figure the text and whether it is as wanted.
    """
    style = files("musiscene_core.reporting").joinpath("page.css").read_text("utf-8")
    head = "".join(f"<th>{escape(name)}</th>" for name in columns)
    body = "\n".join(
        "<tr>"
        + "".join(f"<td{'' if wanted else _MARK}>{escape(text)}</td>" for text, wanted in figures)
        + f'<td><audio controls preload="none" src="{escape(quote(sound), quote=True)}"></audio>'
        "</td></tr>"
        for sound, figures in rows
    )
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy"
 content="default-src 'self' file:; style-src 'unsafe-inline'">
<title>{escape(title)}</title>
<style>
{style}
body {{ max-width: none; }}
td.off {{ color: var(--on); font-weight: 600; }}
td {{ white-space: nowrap; font-variant-numeric: tabular-nums; }}
</style>
</head>
<body>
<header><h1>{escape(title)}</h1></header>
<section class="wide"><table>
<tr>{head}<th>Listen</th></tr>
{body}
</table>
<p class="hint">Coloured figures lie outside the range of orchestral scores.</p></section>
</body>
</html>
"""
