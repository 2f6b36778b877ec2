"""Market mechanisms: how a good changes hands. Plain kernels over arrays, called by economies."""
