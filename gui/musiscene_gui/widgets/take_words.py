"""What the panel says of a take: lines of text made of its figures."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from musiscene_core.take import Stem, Take
from musiscene_gui.viewmodels.take_files import TakeFiles
from musiscene_gui.widgets.keys import key_title
from musiscene_gui.widgets.language import tr
from musiscene_gui.widgets.numbers import decimal
from musiscene_gui.widgets.said import said

if TYPE_CHECKING:
    from musiscene_core.critic.critique import Critique
    from musiscene_core.fitting.report import HitMoved

_SHOT = re.compile(r"shot (\d+)")


def role_title(role: str) -> str:
    """What a stem's role is called."""
    names = {
        "harmony": tr("Harmony"),
        "melody": tr("Melody"),
        "bass": tr("Bass"),
        "percussion": tr("Percussion"),
        "texture": tr("Texture"),
        "mix": tr("Mix"),
    }
    return names.get(role, role)


def idiom_title(name: str) -> str:
    """What a style of the composer's is called."""
    names = {
        "action ostinato": tr("action ostinato"),
        "ambient pad": tr("ambient pad"),
        "comedy pizzicato": tr("comedy pizzicato"),
        "documentary neutral": tr("documentary, neutral"),
        "heroic": tr("heroic"),
        "horror cluster": tr("horror clusters"),
        "hybrid trailer": tr("hybrid trailer"),
        "intimate piano": tr("intimate piano"),
        "melancholy": tr("melancholy"),
        "string drama": tr("string drama"),
        "tension pulse": tr("pulse of tension"),
        "uplift": tr("uplifting"),
        "wonder": tr("wonder"),
    }
    return names.get(name, name)


def hit_title(label: str) -> str:
    """What a hit point is called: a kind or a numbered shot of ours, else as it was named."""
    kinds = {
        "cut": tr("cut"),
        "motion": tr("motion"),
        "sudden motion": tr("sudden motion"),
        "dialogue end": tr("end of dialogue"),
        "line ends": tr("line ends"),
        "marker": tr("marker"),
    }
    shot = _SHOT.fullmatch(label)
    return tr("shot {0}").format(shot[1]) if shot else kinds.get(label, label)


def stem_title(stem: Stem) -> str:
    """What a stem is called: its instrument, else its role."""
    return stem.name or role_title(stem.role)


def loudness(take: Take) -> str:
    """Loudness and true peak."""
    return tr("{lufs} LUFS · {peak} dBTP").format(
        lufs=decimal(take.loudness_lufs, 1), peak=decimal(take.true_peak_dbtp, 1)
    )


def hits(files: TakeFiles) -> str:
    """How many hits it meets, and how far the worst is off; empty where none was chosen."""
    met = files.hits
    if not met.total:
        return ""
    return tr("hits {met}/{total}").format(met=met.met, total=met.total)


def hits_in_full(files: TakeFiles) -> str:
    """The same with the largest error, and every hit."""
    met = files.hits
    moved = list(map(_moved, files.moved))
    if not met.total:
        return "\n".join(moved) or tr("No hit points were chosen.")
    lines = [
        tr("{met} of {total} hits within a frame; the worst is {worst} frames off").format(
            met=met.met, total=met.total, worst=decimal(met.worst_frames, 2)
        )
    ]
    if moved:
        return "\n".join([*lines, *moved])
    for hit in files.take.hits:
        name = hit_title(hit.label or hit.kind)
        frames, late_ms = (
            decimal(hit.error_frames, 2, sign=True),
            decimal(hit.error_ms, 1, sign=True),
        )
        lines.append(f"{name}: {frames} ({late_ms} ms)")
    return "\n".join(lines)


def _moved(hit: HitMoved) -> str:
    """What meets a hit, where that was, what was done to the music, and where it is heard."""
    name = hit_title(hit.label)
    places = {
        "bar line": tr("bar line"),
        "beat": tr("beat"),
        "half beat": tr("half beat"),
        "attack": tr("attack"),
    }
    if hit.place is None:
        return tr("{name}: not met, neither a beat nor an attack is clear").format(name=name)
    place = places[hit.place]
    if not hit.met:
        return tr("{name}: not met, the nearest {place} is {frames} frames off").format(
            name=name, place=place, frames=decimal(hit.after_frames, 1, sign=True)
        )
    moved = tr("{name}: {place}, was {frames} frames off; music before it stretched by {percent} %")
    heard = tr("nothing is struck there")
    if hit.struck_frames is not None:
        frames = decimal(hit.struck_frames, 1, sign=True)
        heard = tr("heard {frames} frames off").format(frames=frames)
    before = decimal(hit.before_frames, 1, sign=True)
    percent = decimal(hit.percent, 1, sign=True)
    made = moved.format(name=name, place=place, frames=before, percent=percent)
    return f"{made}; {heard}"


def key_and_tempo(take: Take) -> str:
    """Key and tempo; empty where unknown."""
    parts = []
    if take.tonic is not None and 0 <= take.tonic < 12:
        parts.append(key_title(take.tonic, take.mode))
    if take.tempo is not None and take.tempo.segments:
        parts.append(tr("{bpm:.0f} BPM").format(bpm=take.tempo.segments[0].bpm))
    return " · ".join(parts)


def made_by(take: Take) -> str:
    """Engine, model, seed and licence."""
    made = take.provenance
    engine = f"{made.engine} {made.model}".strip()
    return tr("{engine} · seed {seed} · {licence}").format(
        engine=engine, seed=made.seed, licence=made.licence
    )


def critic(critique: Critique) -> str:
    """The critic's rank with its reason."""
    return tr("Critic: {rank} of {among} · {reason}").format(
        rank=critique.rank, among=critique.among, reason=said(critique.reason)
    )


def critic_in_full(critique: Critique) -> str:
    """What it was judged by, and by whom."""
    names = {
        "feeling": tr("Feeling"),
        "words": tr("Words"),
        "hits": tr("Hits"),
        "loudness": tr("Loudness"),
    }
    lines = [
        f"{names.get(one.name, one.name)} {one.score:.0%}: {said(one.says)}"
        for one in critique.criteria
    ]
    if critique.listener == "signals":
        lines.append(tr("Judged by what was measured."))
    else:
        lines.append(tr("Heard by {listener}.").format(listener=critique.listener))
    if critique.note:
        lines.append(critique.note)
    return "\n".join((said(critique.reason), *lines))


def size(size_bytes: int) -> str:
    """Bytes in the unit that fits."""
    for unit, each in ((tr("GB"), 10**9), (tr("MB"), 10**6)):
        if size_bytes >= each:
            return f"{decimal(size_bytes / each, 1)} {unit}"
    return tr("{kilobytes:.0f} kB").format(kilobytes=size_bytes / 1000)
