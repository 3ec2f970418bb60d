"""Files to items, items to tokens, tokens to a store and to batches: what more than one task uses.  It knows no network."""
