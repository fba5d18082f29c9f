"""The panel's list of engines: those of others, and each of several models."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
import pytest
from PySide6.QtCore import Qt

from musiscene_core.intended_use import intended_use
from musiscene_core.protocol import EngineModel
from musiscene_gui.application import Application
from musiscene_gui.viewmodels.wishes import (
    Wishes,
    engine_choices,
    request_for,
    wished_otherwise,
)
from musiscene_gui.widgets.settings_dialog import SettingsDialog
from tests.support.daemons import ROOT, request
from tests.support.engine_package import installed


def test_an_engine_that_somebody_installed_can_be_chosen(
    application: Application, tmp_path: Path, qtbot, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("hatchling", reason="building the package takes hatchling")
    site = installed(tmp_path / "site")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join((str(ROOT), str(site))))
    application.start()
    panel, grid = application.panel, application.scene.wishes
    qtbot.waitUntil(lambda: bool(panel.connection.engines), timeout=30_000)
    place = grid.engine.findData("drone")
    assert place >= 0
    grid.engine.setCurrentIndex(place)
    grid.engine.activated.emit(place)
    assert panel.scene.wishes.engine == "drone"
    assert "CC0-1.0" in grid.about.toolTip()

    info = next(one for one in panel.connection.engines if one.name == "drone")
    models = (EngineModel(name="soft"), EngineModel(name="loud"))
    several = msgspec.structs.replace(info, models=models)
    names = [name for name, _, _ in engine_choices([several])]
    assert names == ["drone", "drone:soft", "drone:loud"]
    wish = request_for(Wishes(engine="drone:loud"), request().brief, None)
    assert (wish.engine, wish.model) == ("drone", "loud")


def test_what_may_not_be_sold_cannot_be_chosen_where_music_is_for_that(
    application: Application, qtbot
) -> None:
    application.start()
    panel, grid = application.panel, application.scene.wishes
    qtbot.waitUntil(lambda: bool(panel.connection.engines), timeout=30_000)
    settings = SettingsDialog(panel, application.window)
    assert not settings.for_sale.isChecked()
    settings.for_sale.click()
    qtbot.waitUntil(lambda: panel.connection.status.licence == "commercial", timeout=30_000)
    assert intended_use() == "commercial"
    free, bound = (grid.engine.findData(name) for name in ("composer", "scripted"))
    assert grid.engine.model().item(free).isEnabled()
    assert not grid.engine.model().item(bound).isEnabled()
    assert "Not for commercial use" in grid.engine.itemData(bound, Qt.ItemDataRole.ToolTipRole)
    settings.for_sale.click()
    qtbot.waitUntil(lambda: panel.connection.status.licence == "any", timeout=30_000)
    assert grid.engine.model().item(bound).isEnabled()
    settings.close()


def test_a_melody_is_offered_for_the_models_that_hear_one(application: Application, qtbot) -> None:
    application.start()
    panel, grid = application.panel, application.scene.wishes
    qtbot.waitUntil(lambda: bool(panel.connection.engines), timeout=30_000)
    info = next(one for one in panel.connection.engines if one.name == "musicgen")
    models = tuple(EngineModel(name=name, reference_audio=name == "tune") for name in ("a", "tune"))
    info = msgspec.structs.replace(info, models=models, reference_audio=True)
    rows = grid.generating
    for model, shown in (("", False), ("a", False), ("tune", True)):
        rows.refresh(info, model)
        assert (not rows.melody.isHidden(), not rows.sketch.isHidden()) == (shown, True)
    hearing = Wishes(engine="musicgen:tune", melody="temp", sketch="layer")
    other = wished_otherwise(hearing, engine="musicgen:a")
    assert (other.melody, other.sketch) == ("sketch", "layer")
