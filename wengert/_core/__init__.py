"""The engine's ground floor: types, ops, interpreters, the traced array."""
