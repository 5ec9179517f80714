"""What user code sees inside a transformation: mutable references to immutable values."""
