"""Sample data; `make_throw` made it."""
