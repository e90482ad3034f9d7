"""Demonstration data; no part of the image."""
