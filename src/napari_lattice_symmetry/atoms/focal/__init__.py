"""Focal series of a microscope: simulated, and named column by column."""
