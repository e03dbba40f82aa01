"""Detectors: Keras parts, handed to a whole by `build.py`."""
