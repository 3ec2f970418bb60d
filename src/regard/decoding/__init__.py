"""Decoding: how words are searched for in what a net says, and drawn from it.  It knows arrays, and no PyTorch."""
