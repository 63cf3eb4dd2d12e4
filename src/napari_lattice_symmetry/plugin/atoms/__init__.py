"""The dock "Atoms": atoms found in the selected image, as points that can be doubted."""
