"""What comes from elsewhere: weights, vectors, vocabularies."""
