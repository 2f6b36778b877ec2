"""The engine: economies and markets as plain functions over arrays.

Called by `merchants` (which fuses an economy's kernel with the merchants'), by `city_node` and by
`tools`. Knows no socket, no clock, no thread and no file; depends on numpy and numba alone.

rng, money, tables    what every kernel stands on: random draws, postings, declared arrays
goods                 goods and recipes, as data
measures              statistics of arrays (Gini, ...); own_measures: functions of one's own
evolution             selection, crossover and mutation of arrays of genes
economy               the contract that every economy fulfils, and how one is found
markets/              how a good changes hands
bazaar/               the default economy
"""
