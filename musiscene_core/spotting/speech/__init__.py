"""What is said in a scene: subtitles first, then a speech model; and whose turn it is."""
