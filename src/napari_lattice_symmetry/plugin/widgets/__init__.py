"""Docks, figures and dialogs that several tasks use."""
