"""What words ask for, phrase by phrase, and what is told where they are not understood."""

from __future__ import annotations

import msgspec
import pytest

from musiscene_core.brief import Caption, Captions
from musiscene_core.composing.wording import Wishes, read_wishes
from musiscene_core.composing.wording.lexing import MAX_TEXT
from musiscene_core.request import ScoreRequest
from tests.support.wording_scene import door_scene, told, wishes_in

PHRASES = (
    ("felt piano", "felt piano"),
    ("Felt Piano, SPARSE", "felt piano, density sparse"),
    ("solo cello", "solo strings"),
    ("only strings", "only string ensemble"),
    ("strings alone", "only string ensemble"),
    ("nothing but brass, no drums", "only brass ensemble, no percussion"),
    ("with choir", "soft choir"),
    (
        "orchestra without brass",
        "string ensemble, brass ensemble, solo strings, horn, flute, contrabass, no brass ensemble",
    ),
    ("synths and drums", "warm pad, percussion"),
    ("no strings", "no string ensemble"),
    ("harp and flute from 0:12", "harp [12-], flute [12-]"),
    ("guitar", "harp ? guitar"),
    ("no percussion until the door", "no percussion [0-25]"),
    ("no drums or melody", "no percussion, no melody"),
    ("without melody", "no melody"),
    ("no drums but with taikos from the door", "no percussion, percussion [25-]"),
    ("drums from the second shot", "percussion [25-]"),
    ("percussion after the second shot", "percussion [25-]"),
    ("silence until the door", "silence [0-25]"),
    ("silence at the cut", "silence [10-12]"),
    ("no music until 0:08", "silence [0-8]"),
    ("tacet in the last 10 seconds", "silence [50-60]"),
    ("silence between 0:10 and 0:14", "silence [10-14]"),
    ("from the door, brass", "brass ensemble [25-]"),
    (
        "until the door felt piano, then heroic brass",
        "felt piano [0-25], idiom heroic [25-], triumphant [25-], brass ensemble [25-]",
    ),
    ("tense, then triumphant", "anxious [0-30], triumphant [30-]"),
    ("sad then hopeful then joyful", "sad [0-20], beautiful [20-40], joyful [40-]"),
    ("tense but not scary", "anxious, no scary"),
    ("very sad", "sad x 1.6"),
    ("slightly funny", "amusing x 0.5"),
    ("not heroic", "no idiom heroic, no triumphant"),
    ("allegro", "116-150 bpm"),
    ("slow", "54-76 bpm"),
    ("Adagio molto", "54-76 bpm"),
    ("très lent", "44-60 bpm"),
    ("schnell", "116-150 bpm"),
    ("not too fast", "no energising, 0-116 bpm"),
    ("68 BPM", "68 bpm"),
    ("around 90", "90 bpm"),
    ("at 120 bpm", "120 bpm"),
    ("ca. 104", "104 bpm"),
    ("900 bpm", " ? 900"),
    ("faster", "tempo x 1.15"),
    ("D minor", "D minor"),
    ("in Eb", "Eb"),
    ("F#m", "F# minor"),
    ("key of B-flat major", "Bb major"),
    ("fis-Moll", "F# minor"),
    ("As-Dur", "Ab major"),
    ("ré mineur", "D minor"),
    ("A minor", "A minor"),
    ("dorian", "dorian"),
    ("D dorian", "D, dorian"),
    ("in 3", "in 3"),
    ("3/4", "in 3"),
    ("waltz", "in 3"),
    ("7/8", " ? 7/8"),
    ("staccato strings", "articulation staccato, string ensemble"),
    ("legato", "articulation legato"),
    ("low register", "register low"),
    ("high and airy", "register high, density sparse"),
    ("lush", "density full, beautiful"),
    ("minimal", "density sparse"),
    ("very sparse", "density bare"),
    ("not busy", "no density busy"),
    ("build", "dynamic grow"),
    ("crescendo until the door", "dynamic grow [0-25]"),
    ("gets louder in the second half", "dynamic grow [30-60]"),
    ("fade out", "dynamic fade"),
    ("starts quiet, ends quietly", "dynamic start quiet, dynamic end quiet"),
    ("big finish", "dynamic end loud"),
    ("pianissimo", "dynamic quiet"),
    ("ends with a button", "ending button"),
    ("ring out", "ending ring-out"),
    ("thriller", "idiom tension pulse"),
    ("horror, no cluster", "idiom horror cluster, scary, no idiom horror cluster"),
    ("trailer music", "idiom hybrid trailer"),
    ("documentary underscore", "idiom documentary neutral"),
    ("sackbut", " ? sackbut"),
    ("strigns, sparce", " ? strigns, sparce"),
    ("no drums until the gunshot", "no percussion ? until the gunshot"),
    ("forte at the second marker", "dynamic loud [42-]"),
    ("5 seconds before the end, silence", "silence [55-57]"),
    ("triste, lento, cordes", "sad, string ensemble, 44-60 bpm"),
    ("leise, Streicher, ohne Schlagzeug", "dynamic quiet, string ensemble, no percussion"),
    ("sin batería, con cuerdas", "no percussion, string ensemble"),
    ("sans percussion jusqu'à la porte", "no percussion ? jusqu'à la porte"),
    ("Grey colour, muted strings", "string ensemble ? Grey"),
    ("minimalist piano for the first 8 seconds", "density sparse [0-8], felt piano [0-8]"),
    ("under the dialogue only strings", "only string ensemble [44-50]"),
    ("brass when the door opens", "brass ensemble [25-]"),
    ("grand; not loud", "triumphant, no dynamic loud"),
)


@pytest.mark.parametrize(("text", "meaning"), PHRASES)
def test_a_phrase_asks_for_what_it_says(text: str, meaning: str) -> None:
    assert told(text) == meaning


def test_what_a_later_part_does_not_replace_goes_on() -> None:
    assert told("sparse, tense, no drums, then triumphant with drums") == (
        "density sparse, anxious [0-30], no percussion [0-30], triumphant [30-], percussion [30-]"
    )


def test_a_word_not_understood_is_told_with_its_place_and_the_nearest_spelling() -> None:
    (unknown,) = wishes_in("slow strigns").unknown
    assert (unknown.text, unknown.start, unknown.end) == ("strigns", 5, 12)
    assert unknown.suggestions[0] == "strings"
    assert str(unknown).startswith("Not understood: 'strigns'; did you mean strings")


def test_a_place_that_nothing_is_called_by_is_told_with_the_names_there_are() -> None:
    (unknown,) = wishes_in("no drums until the gunshot").unknown
    assert "no hit point, marker or caption names 'the gunshot'" in str(unknown)
    assert "'Door opens'" in str(unknown)
    assert wishes_in("silence until the gunshot").asked == ()


def test_an_instrument_the_composer_lacks_is_told_with_who_plays_instead() -> None:
    (unknown,) = wishes_in("acoustic guitar").unknown
    assert str(unknown) == (
        "Not understood: 'acoustic guitar' (the composer has no acoustic guitar; "
        "the harp plays instead)."
    )


def test_a_captions_sentence_with_a_time_names_a_place() -> None:
    brief = door_scene("no drums until the explosion")
    seen = Caption("A car waits. At 0:33 an explosion lights the street.", "model")
    captions = msgspec.structs.replace(brief.captions, video=seen)
    brief = msgspec.structs.replace(brief, captions=captions)
    wishes = read_wishes(ScoreRequest(brief=brief))
    assert [(one.value, one.end_s) for one in wishes.asked] == [("percussion", 33.0)]
    assert wishes.unknown == ()


def wishes_of(caption: Caption, strategy: str) -> Wishes:
    captions = msgspec.structs.replace(Captions(), **{strategy: caption})
    brief = msgspec.structs.replace(door_scene(), captions=captions)
    return read_wishes(ScoreRequest(brief=brief, caption_strategy=strategy))


PROSE = "A melancholic violin weaves through zithers, 70 BPM."


def test_whose_words_count_and_whose_gaps_are_told() -> None:
    by_user = wishes_of(Caption(PROSE, "user"), "music_conditions")
    assert [unknown.text for unknown in by_user.unknown] == ["weaves", "zithers"]
    edited = wishes_of(Caption(PROSE, "model", edited=True), "music_conditions")
    assert edited == by_user
    by_model = wishes_of(Caption(PROSE, "model"), "music_conditions")
    assert (by_model.unknown, by_model.asked, by_model.tempo.bpm) == ((), by_user.asked, 70.0)
    picture = wishes_of(Caption(PROSE, "model"), "video")
    assert [one.kind for one in picture.asked] == ["mood"]
    assert (picture.tempo.bpm, picture.unknown) == (None, ())
    assert wishes_of(Caption(PROSE, "user"), "video").unknown == ()
    assert wishes_of(Caption(PROSE, "signals"), "fusion") == Wishes()


def test_what_signals_wrote_and_a_user_added_to_is_understood_whole() -> None:
    text = (
        "Tense, uneasy music that turns hard, defiant, rising to its height at 0:32. "
        "Near the temp track: in D minor. {tempo} Felt piano."
    )
    for tempo, asked in (("The temp track runs at 96 BPM.", None), ("At 96 BPM.", 96.0)):
        edited = Caption(text.format(tempo=tempo), "signals", edited=True)
        wishes = wishes_of(edited, "fusion")
        assert wishes.unknown == ()
        assert (wishes.tempo.bpm, wishes.tonic, wishes.mode) == (asked, 2, "minor")


@pytest.mark.parametrize(
    "text",
    [
        "\x00\x01\x07\u200b\ufeff\u202e",
        "a" * 1_000_000,
        "no " * 400_000,
        "until the " * 100_000,
        "from the door to " * 50_000,
        "((((" * 200_000,
        "then " * 200_000,
        "1 s before " * 100_000,
        "the " * 300_000,
        "sad then loud no drums " * 50_000,
        "1:" * 300_000,
        "9" * 500_000 + " bpm",
        "1" + "/1" * 200_000,
        "静かなピアノ、 ドラムなし",
        "тихое фортепиано без барабанов",
        "هادئ بدون طبول",
        "🎹🥁 {}[]<>\\ $(rm) %s %n '; DROP TABLE",
        "٦٨ bpm in ١/٤ time ²³ s",
        "999999999999999999999:99:99:99",
        "in the last 0 seconds, in the first 99999999 minutes, between the and the",
    ],
)
def test_hostile_words_are_read_and_never_fail(text: str) -> None:
    wishes = wishes_in(text)
    assert len(wishes.unknown) <= 40
    assert all(0.0 <= one.start_s < one.end_s for one in wishes.asked)
    if len(text) > MAX_TEXT:
        assert any("characters are read" in str(unknown) for unknown in wishes.unknown)
