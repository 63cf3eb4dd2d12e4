"""The dock that watches a folder."""
