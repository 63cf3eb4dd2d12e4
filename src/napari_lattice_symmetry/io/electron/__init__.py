"""Files of electron microscopes."""
