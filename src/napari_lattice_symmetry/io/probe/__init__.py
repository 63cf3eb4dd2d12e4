"""Files of scanning probe microscopes."""
