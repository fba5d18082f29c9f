"""Which texts of frames and lines a user has changed in a brief that was edited as text.

Each text comes with a mark of how it was written first. What has none, of older briefs and of
whoever writes briefs otherwise, is taken as it is.
"""

from __future__ import annotations

import msgspec

from musiscene_core.brief import SceneBrief, SceneFrame, SpokenLine, mark_of


def frames_marked(brief: SceneBrief) -> tuple[SceneFrame, ...]:
    """The frames, those marked as edited whose captions are not what was written first."""
    return tuple(map(_frame_marked, brief.frames))


def lines_marked(brief: SceneBrief) -> tuple[SpokenLine, ...]:
    """The lines, those the user's own whose words are not what was heard or read first."""
    read = {" ".join(subtitle.text.split()) for subtitle in brief.timeline.subtitles}

    def changed(line: SpokenLine) -> bool:
        if line.origin == "subtitle":
            return line.text not in read
        return bool(line.written) and line.written != mark_of(line.text)

    return tuple(
        msgspec.structs.replace(line, origin="user") if changed(line) else line
        for line in brief.lines
    )


def _frame_marked(frame: SceneFrame) -> SceneFrame:
    caption = frame.caption
    # Older briefs tell of every frame how it was written.
    first = mark_of(caption.how.wrote) if caption.how else caption.written
    if caption.edited or mark_of(caption.text) == first:
        return frame
    if first:
        made = msgspec.structs.replace(caption, edited=True)
    elif caption.origin == "signals":
        # Signals describe no frames: someone wrote this into the file.
        made = msgspec.structs.replace(caption, origin="user", edited=True)
    else:
        return frame
    return msgspec.structs.replace(frame, caption=made)
