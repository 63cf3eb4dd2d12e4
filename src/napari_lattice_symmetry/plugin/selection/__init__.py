"""Which image, layer and result the user means."""
