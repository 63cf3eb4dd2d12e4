"""What flows through the package: movies, movies that grow, stacks of layers."""
