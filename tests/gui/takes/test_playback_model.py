import time

import msgspec
import pytest

from musiscene_core.codec import to_json
from musiscene_core.errors import MediaError
from musiscene_core.library import Catalogue
from musiscene_core.ranges import FrameRange
from musiscene_core.timecode import FrameRate
from musiscene_gui.viewmodels.playback import PlaybackModel
from musiscene_gui.viewmodels.takes import TakesModel
from musiscene_gui.viewmodels.timeline import TimelineModel
from tests.support.daemons import wait_until
from tests.support.panel_takes import AtOnce, copies


class Listening:
    def __init__(self, data, folders):
        files = AtOnce(Catalogue(data))
        self.takes = TakesModel(files)
        self.timeline = TimelineModel()
        self.timeline.open("scene", FrameRate(24), FrameRange(0, 192), (), ())
        self.playback = PlaybackModel(self.takes, self.timeline, files, silent=True)
        self.errors = []
        self.playback.failed.connect(self.errors.append)
        self.takes.show(folders)

    @property
    def mixer(self):
        return self.playback._player.mixer


@pytest.fixture
def listening(composed, tmp_path):
    made = Listening(tmp_path, copies(composed, tmp_path))
    yield made
    made.playback.close()


def test_the_selected_take_plays_and_the_playhead_goes_along(listening):
    playback = listening.playback
    playback.play()
    wait_until(lambda: playback.tick() or listening.timeline.playhead >= 4)
    assert playback.playing
    assert playback.backend == "Null"
    playback.pause()
    assert not playback.playing
    assert listening.timeline.playhead == playback.frame()
    assert listening.errors == []


def test_another_take_is_heard_from_the_same_place(listening):
    listening.playback.seek(96_000)
    listening.playback.play()
    before = listening.mixer.position
    listening.takes.select("C")
    assert listening.mixer.key == "C"
    assert listening.mixer.position >= before
    listening.playback.set_music(False)
    assert listening.mixer.key == ""
    listening.playback.set_music(True)
    assert listening.mixer.key == "C"


def test_moving_the_playhead_moves_the_sound(listening):
    listening.timeline.set_playhead(48)
    assert listening.playback.position == 96_000
    assert listening.playback.frame() == 48


def test_the_first_take_is_heard_from_where_the_playhead_is(composed, tmp_path):
    listening = Listening(tmp_path, [])
    listening.timeline.set_playhead(72)
    listening.takes.show(copies(composed, tmp_path, 1))
    assert listening.playback.frame() == 72
    listening.playback.close()


def test_frames_are_stepped_exactly(listening):
    listening.playback.step(5)
    assert (listening.playback.frame(), listening.timeline.playhead) == (5, 5)
    assert listening.playback.position == 5 * 2_000
    listening.playback.step(-2)
    assert listening.playback.frame() == 3


def test_solo_and_mute_say_what_is_heard(listening):
    playback = listening.playback
    names = [fader.name for fader in playback.faders("A")]
    assert names == [stem.title for stem in listening.takes.card("A").files.take.stems]
    playback.set_fader("A", names[0], muted=True)
    assert [playback.audible("A", name) for name in names] == [False] + [True] * (len(names) - 1)
    playback.set_fader("A", names[1], solo=True)
    assert [name for name in names if playback.audible("A", name)] == [names[1]]
    playback.set_fader("A", names[0], solo=True)
    assert [name for name in names if playback.audible("A", name)] == [names[1]]
    assert all(playback.audible("B", name) for name in names)


def test_faders_reach_the_sound(listening):
    deck = listening.mixer._decks["A"]
    name = listening.playback.faders("A")[0].name
    listening.playback.set_fader("A", name, level_db=-6.0)
    assert deck.gains(1)[0] == pytest.approx(0.501, abs=1e-3)
    listening.playback.set_fader("A", name, level_db=99.0)
    assert listening.playback.faders("A")[0].level_db == 6.0


def test_equal_loudness_turns_the_louder_takes_down(listening):
    listening.playback.set_equal_loudness(True)
    gains = [listening.mixer._decks[letter].gains(1)[0] for letter in "ABC"]
    assert gains == [pytest.approx(10 ** (-db / 20)) for db in (2, 1, 0)]
    listening.playback.set_equal_loudness(False)
    assert listening.mixer._decks["A"].gains(1)[0] == 1.0


def test_the_loop_is_in_to_out(listening):
    listening.timeline.set_range(FrameRange(24, 72))
    listening.playback.set_loop(True)
    assert listening.mixer._loop == (48_000, 144_000)
    listening.timeline.set_range(FrameRange(24, 96))
    assert listening.mixer._loop == (48_000, 192_000)
    listening.playback.set_loop(False)
    assert listening.mixer._loop is None


def test_it_says_when_it_stopped_at_the_end(listening):
    states = []
    listening.playback.seek(listening.playback.length - 4_000)
    listening.playback.play()
    listening.playback.state_changed.connect(lambda: states.append(listening.playback.playing))
    wait_until(lambda: listening.playback.tick() or states)
    assert states == [False]
    assert listening.timeline.playhead == 191


def test_a_take_without_its_stems_says_so_and_the_others_play(composed, tmp_path):
    folders = copies(composed, tmp_path, 2)
    (folders[0] / "stems" / "bass.wav").unlink()
    listening = Listening(tmp_path, folders)
    assert isinstance(listening.errors[0], MediaError)
    listening.takes.select("B")
    listening.playback.play()
    wait_until(lambda: listening.playback.tick() or listening.playback.position > 1_000)
    listening.playback.close()


def test_a_mix_without_stems_has_one_fader(composed, tmp_path):
    folder = copies(composed, tmp_path, 1)[0]
    take = composed[1]
    (folder / "take.json").write_bytes(to_json(msgspec.structs.replace(take, stems=())))
    listening = Listening(tmp_path, [folder])
    assert [fader.name for fader in listening.playback.faders("A")] == ["mix"]
    listening.playback.close()


def test_takes_closed_let_go_of_their_files(listening):
    listening.playback.play()
    time.sleep(0.1)
    listening.takes.clear()
    assert not listening.playback.playing
    assert listening.playback.length == 0
    assert listening.mixer._decks == {}
