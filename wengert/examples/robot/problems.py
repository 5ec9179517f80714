"""What the person who runs the robot can put right."""

from __future__ import annotations


class Unusable(ValueError):
    """An input that the robot cannot work with; the text is one clear line."""
