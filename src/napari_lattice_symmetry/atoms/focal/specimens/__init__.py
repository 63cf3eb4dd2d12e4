"""Layers of atoms, their vibration, and the waves behind them."""
