"""The search for atoms: scale, network, confidence; its training."""
