"""A whole network of nodes in one process, faults and all, from one integer.

`python -m tools.simulate --seed N` replays a run; `--seeds A:B` runs many. The nodes are the real
ones, from `city_node.node.run_node` down; only threads, streams, disks and the clock are simulated.
"""
