"""Rows and forms that ask for settings."""
