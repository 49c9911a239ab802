"""What the package says of itself, its models, data and results to other programs."""
