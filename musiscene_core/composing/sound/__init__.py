"""From a cue to stems: synthesis, mix, master."""
