"""Structure without labels: unmixing and embedding of spectra."""
