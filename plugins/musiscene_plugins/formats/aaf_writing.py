"""Writing AAF for Avid Media Composer and Pro Tools, with pyaaf2.

Lanes that we add carry their sound inside the file, so that it travels; all other media are
linked by URL. Volume and fades are one "Mono Audio Gain" effect with keyframes; what is switched
off is muted clip by clip. Needs the extra `aaf`.
Source: AMWA AAF Edit Protocol; Avid's "AAF audio" practice as pyaaf2's examples show it.
"""

from __future__ import annotations

import wave
from fractions import Fraction
from math import ceil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import UUID

from musiscene_core.errors import OutputError, RequestError
from musiscene_core.timecode import SAMPLE_RATE
from musiscene_plugins.formats.aaf_filling import Piece, fill_sequences
from musiscene_plugins.formats.aaf_reading import TAG_NAME
from musiscene_plugins.formats.compound import CompoundError
from musiscene_plugins.formats.edit import (
    Edit,
    Event,
    Lane,
    LaneKind,
    Media,
    common_losses,
    file_url,
    lost_in_media,
    media_length,
    on_a_source_frame,
    path_of,
)

_GAIN = UUID("9d2ea894-0968-11d3-8a38-0050040ef7d2")
_GAIN_PARAMETER = UUID("e4962322-2267-11d3-8a4c-0050040ef7d2")
_LINEAR = UUID("5b6c85a4-0ede-11d3-80a9-006008143e6f")
_TRACK_KINDS = {"video": "picture", "audio": "sound"}


def write_aaf(edit: Edit, path: Path) -> None:
    """Write `edit` to `path`.

    Raises:
        OutputError: it cannot be written.
        RequestError: the extra `aaf` is not installed.
    """
    aaf2 = library()
    try:
        with TemporaryDirectory(dir=path.parent, prefix=".aaf-") as folder:
            skeleton = Path(folder) / "skeleton.aaf"
            with aaf2.open(str(skeleton), "w") as file:
                writer = _Writer(edit, file)
                writer.write()
            fill_sequences(skeleton, path, writer.plans)
    except (aaf2.exceptions.AAFError, CompoundError, wave.Error, EOFError) as error:
        raise OutputError(f"The AAF {path} cannot be written: {error}.") from error


def losses_in_aaf(edit: Edit) -> list[str]:
    """What of `edit` the format cannot hold."""
    said = [*common_losses(edit), *lost_in_media(edit)]
    events = [event for lane in edit.lanes for event in lane.events]
    if any(event.speed != 1 for event in events):
        said.append("Speed changes play at normal speed.")
    if any(note.comment for note in edit.notes):
        said.append("Markers lose their notes.")
    if any(event.name for event in events):
        said.append("Clips are called after their media.")
    if any(note.color for note in edit.notes):
        said.append("Markers lose their colours.")
    return said


def library() -> Any:
    """pyaaf2.

    Raises:
        RequestError: it is not installed.
    """
    try:
        import aaf2
        import aaf2.exceptions
    except ImportError as error:
        raise RequestError(
            "AAF files need an addition that is not installed.",
            hint="Install it with: pip install 'musiscene[aaf]'",
        ) from error
    return aaf2


def _shape(lane: Lane, event: Event) -> object:
    """What tells components of a lane apart besides their lengths, places and media."""
    off = not (lane.enabled and event.enabled)
    if lane.kind != "audio":
        return off
    fades = (event.fade_in, event.fade_out)
    return off, event.gain_db, fades, event.length if any(fades) else None


class _Writer:
    def __init__(self, edit: Edit, file: Any) -> None:
        self._edit = edit
        self._file = file
        self._rate = edit.rate.fps
        self._masters: dict[tuple[Media, LaneKind, bool], tuple[Any, int]] = {}
        self._gain: Any = None
        self.plans: dict[tuple[str, ...], list[Piece]] = {}
        """What each sequence holds, by the names of the folders that lead to it."""

    def write(self) -> None:
        mob = self._file.create.CompositionMob(self._edit.name)
        mob.usage = "Usage_TopLevel"
        self._file.content.mobs.append(mob)
        clock = mob.create_timeline_slot(self._rate)
        clock.name = "TC"
        clock["PhysicalTrackNumber"].value = 1
        clock.segment = self._timecode(self._edit.start, self._edit.length)
        counts = {"video": 0, "audio": 0}
        for lane in self._edit.lanes:
            counts[lane.kind] += 1
            slot = mob.create_timeline_slot(self._rate)
            slot.name = lane.name or f"{lane.kind[0].upper()}{counts[lane.kind]}"
            slot["PhysicalTrackNumber"].value = counts[lane.kind]
            slot.segment, pieces = self._sequence(lane)
            self.plans[tuple(slot.segment.dir.path().strip("/").split("/"))] = pieces
        if self._edit.notes:
            self._markers(mob, slot_id=2)

    def _timecode(self, start: int, length: int) -> Any:
        rate = self._edit.rate
        timecode = self._file.create.Timecode(rate.nominal, rate.drop_frame)
        timecode.start = start
        timecode.length = length
        return timecode

    def _sequence(self, lane: Lane) -> tuple[Any, list[Piece]]:
        """A sequence with one component of each shape, and the pieces to be made of them."""
        kind = _TRACK_KINDS[lane.kind]
        sequence = self._file.create.Sequence(media_kind=kind)
        shapes: dict[object, int] = {}
        pieces: list[Piece] = []
        at = 0

        def gap(length: int) -> None:
            if length > 0:
                if "gap" not in shapes:
                    shapes["gap"] = len(shapes)
                    sequence.components.append(self._file.create.Filler(kind, length))
                pieces.append(Piece(shapes["gap"], length))

        for event in lane.events:
            if event.media is None:
                continue
            gap(event.start - at)
            master, slot = self._master(lane, event, event.media)
            begin = on_a_source_frame(event, self._edit.rate)
            shape = _shape(lane, event)
            if shape not in shapes:
                shapes[shape] = len(shapes)
                clip = master.create_source_clip(slot, begin, event.length, kind)
                sequence.components.append(self._clip(lane, event, clip))
            source = master.mob_id.bytes_le
            pieces.append(Piece(shapes[shape], event.length, begin, source, slot))
            at = event.end
        gap(self._edit.length - at)
        sequence.length = self._edit.length
        return sequence, pieces

    def _clip(self, lane: Lane, event: Event, clip: Any) -> Any:
        kind = _TRACK_KINDS[lane.kind]
        levelled = event.gain_db or event.fade_in or event.fade_out
        made = self._levelled(clip, event) if levelled and lane.kind == "audio" else clip
        if lane.enabled and event.enabled:
            return made
        # As Avid mutes a clip: a selector that has chosen nothing.
        selector = self._file.create.Selector()
        selector.media_kind = kind
        selector.length = event.length
        selector["Selected"].value = self._file.create.Filler(kind, event.length)
        selector["Alternates"].append(made)
        return selector

    def _levelled(self, clip: Any, event: Event) -> Any:
        operation = self._gain_operation()
        group = self._file.create.OperationGroup(operation, event.length, "sound")
        group.segments.append(clip)
        loud = Fraction(10 ** (event.gain_db / 20)).limit_denominator(65_536)
        if not (event.fade_in or event.fade_out):
            value = self._file.create.ConstantValue("Amplitude", loud)
            group.parameters.append(value)
            return group
        value = self._file.create.VaryingValue("Amplitude", "LinearInterp")
        last = Fraction(event.length)
        points = [(Fraction(0), loud if not event.fade_in else Fraction(0))]
        if event.fade_in:
            points.append((event.fade_in / last, loud))
        if event.fade_out:
            points.append(((event.length - event.fade_out) / last, loud))
        points.append((Fraction(1), loud if not event.fade_out else Fraction(0)))
        for place, level in dict(points).items():
            value.add_keyframe(place, level)
        group.parameters.append(value)
        return group

    def _gain_operation(self) -> Any:
        if self._gain is None:
            create, dictionary = self._file.create, self._file.dictionary
            kind = dictionary.lookup_typedef("Rational")
            parameter = create.ParameterDef(_GAIN_PARAMETER, "Amplitude", "Amplitude", kind)
            dictionary.register_def(parameter)
            operation = create.OperationDef(_GAIN, "Mono Audio Gain", "Mono Audio Gain")
            operation.media_kind = "sound"
            operation["NumberInputs"].value = 1
            operation["IsTimeWarp"].value = False
            operation["Bypass"].value = 0
            operation["OperationCategory"].value = "OperationCategory_Effect"
            dictionary.register_def(operation)
            operation.parameters.append(parameter)
            ramp = create.InterpolationDef(_LINEAR, "LinearInterp", "LinearInterp")
            dictionary.register_def(ramp)
            self._gain = operation
        return self._gain

    def _master(self, lane: Lane, event: Event, media: Media) -> tuple[Any, int]:
        """The master mob of `media`, and which of its slots is meant."""
        ours = lane.added or event.tag is not None
        inside = ours and lane.kind == "audio" and Path(path_of(media)).is_file()
        key = media, lane.kind, inside
        if key not in self._masters:
            master = self._file.create.MasterMob(media.name or event.name)
            self._file.content.mobs.append(master)
            if inside:
                slot = master.import_audio_essence(path_of(media))
                self._masters[key] = master, slot.slot_id
                # The sound lies inside; where it came from tells us apart when it is read again.
                slot.segment.mob.descriptor["Locator"].append(self._locator(media))
            else:
                self._masters[key] = master, self._linked(master, lane.kind, event, media)
            if event.tag is not None:
                master.comments[TAG_NAME] = event.tag.to_json()
        return self._masters[key]

    def _locator(self, media: Media) -> Any:
        locator = self._file.create.NetworkLocator()
        locator["URLString"].value = file_url(media)
        return locator

    def _linked(self, master: Any, kind: LaneKind, event: Event, media: Media) -> int:
        create = self._file.create
        length = ceil(media_length(event, self._edit.rate) * self._rate)
        source = create.SourceMob(media.name or event.name)
        descriptor = self._sound(length) if kind == "audio" else self._picture(length)
        descriptor["Locator"].append(self._locator(media))
        source.descriptor = descriptor
        self._file.content.mobs.append(source)
        track = _TRACK_KINDS[kind]
        held = source.create_timeline_slot(self._rate)
        held.segment = create.SourceClip(length=length, media_kind=track)
        slot = master.create_timeline_slot(self._rate)
        slot.segment = source.create_source_clip(held.slot_id, 0, length, track)
        return int(slot.slot_id)

    def _sound(self, length: int) -> Any:
        descriptor = self._file.create.PCMDescriptor()
        values = {
            "SampleRate": Fraction(SAMPLE_RATE),
            "AudioSamplingRate": Fraction(SAMPLE_RATE),
            "Channels": 2,
            "QuantizationBits": 24,
            "BlockAlign": 6,
            "AverageBPS": 6 * SAMPLE_RATE,
            "Length": round(length * SAMPLE_RATE / self._rate),
        }
        for name, value in values.items():
            descriptor[name].value = value
        return descriptor

    def _picture(self, length: int) -> Any:
        descriptor = self._file.create.CDCIDescriptor()
        values = {
            "SampleRate": self._rate,
            "Length": length,
            "ComponentWidth": 8,
            "HorizontalSubsampling": 2,
            "ImageAspectRatio": Fraction(self._edit.width, self._edit.height),
            "StoredWidth": self._edit.width,
            "StoredHeight": self._edit.height,
            "FrameLayout": "FullFrame",
            "VideoLineMap": [42, 0],
        }
        for name, value in values.items():
            descriptor[name].value = value
        return descriptor

    def _markers(self, mob: Any, *, slot_id: int) -> None:
        slot = self._file.create.EventMobSlot()
        slot.edit_rate = self._rate
        slot.slot_id = 1000
        slot.name = "Markers"
        slot["PhysicalTrackNumber"].value = 1
        sequence = self._file.create.Sequence(media_kind="DescriptiveMetadata")
        for note in self._edit.notes:
            marker = self._file.create.DescriptiveMarker()
            marker["DescribedSlots"].value = {slot_id}
            marker["Position"].value = note.start
            marker["Length"].value = note.length
            marker["Comment"].value = note.name or note.comment
            if note.tag is not None:
                comment = self._file.create.TaggedValue(TAG_NAME, note.tag.to_line())
                marker["UserComments"].append(comment)
            sequence.components.append(marker)
        slot.segment = sequence
        mob.slots.append(slot)
