"""The dock that simulates a lattice."""
