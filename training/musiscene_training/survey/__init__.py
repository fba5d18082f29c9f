"""Listening tests as the papers held them: blind, in random order, rated on a local web page."""
