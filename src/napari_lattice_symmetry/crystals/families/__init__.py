"""Families of structures: what they are learned from, the networks that name them."""
