"""The dock that analyzes a movie."""
