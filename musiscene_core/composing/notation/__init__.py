"""A cue as others write it down: MIDI."""
