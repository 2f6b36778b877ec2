"""What computes without running a node: breeding, training, grading; and its files and pictures.

`evolve`, `train` and `reality` are behind the verbs of their names; `genomes` and `networks` are
what they save, and what a node may drive its merchants by.
"""
