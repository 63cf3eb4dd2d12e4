"""The tab of the dock of atoms that names the columns of a focal series."""
