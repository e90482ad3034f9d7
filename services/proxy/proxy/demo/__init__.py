"""Demonstration data and a mediator to reach; no part of the image."""
