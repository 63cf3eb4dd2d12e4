"""What every network shares: the engine, training, thinned networks, shipped weights."""
