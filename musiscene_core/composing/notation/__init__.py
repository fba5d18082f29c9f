"""A cue as others write it down: MIDI, MusicXML and a lead sheet."""
