"""Measurements against a peer in the same run; nothing here asserts. ``make bench`` or ``make bench ARGS=tables``."""
