"""All that knows napari and Qt: readers, sample data, layers, the worker and its widget."""
