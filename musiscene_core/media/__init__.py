"""Media files: what is in them, their frames and sound, and the files we write.

Times are seconds of the file's own clock: 0 is the beginning of its first frame, or of its first
sound where it has no picture. Sound that lies before the first frame is at negative times.
"""

from musiscene_core.media._graph import PictureSegment
from musiscene_core.media.audio import iter_audio, read_audio
from musiscene_core.media.cut_short import Shortfall, cut_short
from musiscene_core.media.ffmpeg import find_ffmpeg
from musiscene_core.media.probe import AudioInfo, MediaInfo, VideoInfo, probe
from musiscene_core.media.render import SoundSegment, render_preview
from musiscene_core.media.video import VideoFrame, read_frames
from musiscene_core.media.wav import WavWriter, to_int24, wav_pieces, write_wav

__all__ = [
    "AudioInfo",
    "MediaInfo",
    "PictureSegment",
    "Shortfall",
    "SoundSegment",
    "VideoFrame",
    "VideoInfo",
    "WavWriter",
    "cut_short",
    "find_ffmpeg",
    "iter_audio",
    "probe",
    "read_audio",
    "read_frames",
    "render_preview",
    "to_int24",
    "wav_pieces",
    "write_wav",
]
