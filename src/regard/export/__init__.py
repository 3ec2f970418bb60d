"""From a trained net to files that others run: graphs, and the proof that they say what the net says."""
