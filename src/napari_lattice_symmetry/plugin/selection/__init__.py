"""Which image, channel, result and region the user means: asked and followed by all docks."""
