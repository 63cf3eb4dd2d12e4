"""Images, videos, arrays and containers that no microscope owns."""
