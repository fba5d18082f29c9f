"""The engines: each turns a ScoreRequest into a Take."""
