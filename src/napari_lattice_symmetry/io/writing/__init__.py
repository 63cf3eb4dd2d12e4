"""Layers out: calibrated images and labels as OME-TIFF, ImageJ TIFF and OME-Zarr."""
