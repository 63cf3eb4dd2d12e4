"""What an analysis finds: in memory, on disk, as tables, exports and figures."""
