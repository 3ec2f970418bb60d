"""Networks in use: decoding step by step without a graph, weights laid out for it."""
