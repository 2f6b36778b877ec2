"""The engine: economies and markets as plain functions over arrays.

Called by `merchants` (which fuses an economy's kernel with the merchants'), by `city_node` and by
`tools`. Knows no socket, no clock, no thread and no file; depends on numpy and numba,
and where a device or training asks for it on torch.

rng, money, tables    what every kernel stands on: random draws, postings, declared arrays
goods                 goods and recipes, as data
measures              statistics of arrays (Gini, ...); own_measures: functions of one's own
evolution             selection, crossover and mutation of arrays of genes
policy, layers        a trained network's forward pass, without torch
economy               the contract that every economy fulfils, and how one is found
markets/              how a good changes hands
bazaar/               the default economy
macro/                firms, households, banks and a central bank
society/              millions of citizens who trust, or not, by their traits
learning/             proximal policy optimisation; the one folder besides *_torch.py with torch
reality/              how like the data of real economies a run is
kernels, prefetch     how kernels are compiled, and an instruction that numba lacks
"""
