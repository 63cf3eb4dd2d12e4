"""What runs beside the screen for long: an analysis, a watch."""
