"""What results look like as layers, and what can be read off them."""
