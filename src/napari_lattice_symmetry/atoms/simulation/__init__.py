"""Pictures whose atoms are known."""
