"""Makes the helpers that lie here importable from the folders below."""
