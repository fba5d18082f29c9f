"""OverviewsModel: what the sound of takes looks like, drawn elsewhere and remembered here."""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from musiscene_core.errors import MusiSceneError
from musiscene_gui.viewmodels.asking import Asker
from musiscene_gui.viewmodels.observable import Signal

if TYPE_CHECKING:
    from musiscene_gui.audio.overview import Overview

_REMEMBERED = 200


class OverviewsModel:
    """Overviews by sound file.

    Attributes:
        changed: emits the path of a sound file whose overview is there now.
    """

    def __init__(self, files: Asker[Any], cache: Path) -> None:
        """Draw what no engine has drawn by way of `files`, and keep it in `cache`."""
        self.changed = Signal()
        self._files, self._cache = files, cache
        self._known: OrderedDict[Path, Overview | None] = OrderedDict()

    def get(self, sound: Path, drawn: Path | None = None) -> Overview | None:
        """The overview of a sound file; None until `changed` says it is there.

        Args:
            sound: a WAV file.
            drawn: its overview as the engine wrote it, if it did.
        """
        if sound not in self._known:
            self._known[sound] = None
            self._ask(sound, drawn)
            while len(self._known) > _REMEMBERED:
                self._known.popitem(last=False)
        elif self._known[sound] is not None:
            self._known.move_to_end(sound)
        return self._known.get(sound)

    def _ask(self, sound: Path, drawn: Path | None) -> None:
        def work(_: object) -> Overview:
            from musiscene_gui.audio.overview import Overview, overview_of

            if drawn is not None:
                try:
                    return Overview.read(drawn)
                except MusiSceneError:
                    pass  # what is drawn from the sound itself is as good
            return overview_of(sound, self._cache)

        def have(overview: Overview) -> None:
            self._known[sound] = overview
            self.changed.emit(sound)

        # What cannot be read cannot be heard either, which playback says.
        self._files.ask(work, have, lambda _: None)
