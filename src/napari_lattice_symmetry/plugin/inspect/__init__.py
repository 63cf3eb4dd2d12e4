"""The dock that inspects a window."""
