import time

import numpy as np
import pytest

from musiscene_core.timecode import SAMPLE_RATE
from musiscene_gui.audio import Deck, HeldSound, Mixer, Player, Track
from musiscene_gui.audio.player import decibels, matched
from tests.support.daemons import wait_until


@pytest.fixture
def player():
    mixer = Mixer()
    sound = np.full((10 * SAMPLE_RATE, 2), 0.1, np.float32)
    mixer.load("a", Deck([Track("all", HeldSound(sound))]))
    mixer.listen("a")
    player = Player(mixer, silent=True)
    yield player
    player.close()


def test_the_null_device_plays_in_real_time(player):
    assert player.play() is None
    assert player.backend == "Null"
    wait_until(lambda: player.heard() > 0)
    began, at = time.perf_counter(), player.heard()
    time.sleep(0.6)
    passed = (player.heard() - at) / SAMPLE_RATE
    assert passed == pytest.approx(time.perf_counter() - began, abs=0.2)


def test_the_playhead_never_goes_back_while_it_plays(player):
    player.play()
    heard = []
    for _ in range(150):
        heard.append(player.heard())
        time.sleep(0.004)
    assert heard == sorted(heard)
    assert len(set(heard)) > 60


def test_pausing_holds_still_and_the_device_rests_soon(player):
    player.play()
    wait_until(lambda: player.heard() > 10_000)
    player.pause()
    place = player.heard()
    time.sleep(0.15)
    assert player.heard() == place
    wait_until(lambda: player.tick() == [] and not player.running, within_s=5)
    player.play()
    assert player.running
    wait_until(lambda: player.heard() > place)


def test_a_device_that_vanishes_is_said_and_another_one_goes_on(player):
    player.play()
    wait_until(lambda: player.heard() > 5_000)
    player.device.stop()
    said = []
    wait_until(lambda: said.extend(player.tick()) or said)
    assert "gone" in said[0].message
    assert player.running
    place = player.heard()
    wait_until(lambda: player.heard() > place + 5_000)


def test_a_device_that_falls_asleep_is_noticed(player):
    now = [time.perf_counter()]
    player._clock = lambda: now[0]
    player.play()
    wait_until(lambda: player.mixer.position > 5_000)
    assert player.tick() == []
    # The device no longer asks for sound, and has not said why.
    player.device.callback_generator = None
    time.sleep(0.2)
    now[0] += 3.0
    assert "gone" in player.tick()[0].message
    assert player.mixer.playing


def test_playing_again_after_the_end_begins_anew(player):
    player.mixer.seek(10 * SAMPLE_RATE - 2_000)
    player.play()
    wait_until(lambda: not player.mixer.playing)
    assert player.heard() == 10 * SAMPLE_RATE
    player.play()
    assert player.heard() < SAMPLE_RATE


def test_equal_loudness_makes_no_take_louder():
    assert matched([-16.0, -19.0, -17.5]) == [-3.0, 0.0, -1.5]
    assert matched([]) == []


def test_decibels():
    assert decibels(0.0) == 1.0
    assert decibels(-6.0) == pytest.approx(0.501, abs=1e-3)
    assert decibels(-60.0) == 0.0


def test_backwards_the_playhead_only_goes_back_and_plays_on_from_there(player):
    player.mixer.seek(5 * SAMPLE_RATE)
    player.play(backwards=True)
    heard = []
    for _ in range(100):
        heard.append(player.heard())
        time.sleep(0.004)
    assert heard == sorted(heard, reverse=True)
    assert heard[-1] < 5 * SAMPLE_RATE
    player.play()
    turned = player.heard()
    wait_until(lambda: player.heard() > turned + 5_000)
    assert not player.mixer.backwards
