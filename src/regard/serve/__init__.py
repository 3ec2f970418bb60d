"""`regard serve`: models of run folders over HTTP, whose answers are those of `regard predict`, whoever else asks at the same time."""
