"""The dock of phase evolution."""
