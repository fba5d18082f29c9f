"""Run inside Blender: lays sounds on its sequencer and mixes them down. Loads nothing of ours.

blender -b --python blender_mixdown.py -- PLAN.json OUT.wav
"""

import json
import sys

import bpy

plan_path, output = sys.argv[sys.argv.index("--") + 1 :]
with open(plan_path) as file:
    plan = json.load(file)
scene = bpy.context.scene
scene.render.fps = plan["fps"]
scene.render.fps_base = plan["fps_base"]
scene.render.ffmpeg.audio_mixrate = 48_000
scene.render.ffmpeg.audio_channels = "STEREO"
# Blender's first frame is 1, and it mixes from there.
scene.frame_start, scene.frame_end = 1, plan["frames"]
strips = scene.sequence_editor_create().sequences
for channel, strip in enumerate(plan["strips"], start=1):
    strips.new_sound(strip["name"], strip["path"], channel, strip["frame"] + 1)
# "accuracy" is the block in samples in which strips begin; by default 1024, a frame at 48.
bpy.ops.sound.mixdown(filepath=output, container="WAV", codec="PCM", format="S16", accuracy=32)
