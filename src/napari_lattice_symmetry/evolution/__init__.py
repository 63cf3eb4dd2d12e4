"""How phases evolve: curves, holes, brightness, kinetics."""
