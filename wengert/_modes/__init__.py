"""Transformations: forward, reverse and batched interpretation of ops."""
