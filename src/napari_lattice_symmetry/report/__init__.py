"""An analysis on one HTML page."""
