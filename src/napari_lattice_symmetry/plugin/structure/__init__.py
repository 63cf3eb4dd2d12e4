"""The dock of structure without labels."""
