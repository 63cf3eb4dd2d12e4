"""Short computations beside the screen."""
