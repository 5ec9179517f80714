"""Models that learn from real data, on networks, optimisers and random keys."""
