"""The demo film: a paper-cut short made entirely by numpy, OpenCV and a speech synthesiser."""
