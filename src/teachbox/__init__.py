"""Teachbox teaches an object detector while you label."""

__version__ = "0.1.0"
