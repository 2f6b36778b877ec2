"""The ruler: how near an economy's own series are to those of the United States.

series         what an economy hands over
quarters       the quarterly series that most is computed from
statistics     filters, correlations, moments; recessions, responses and distributions beside it
facts          the statistics of the table, by name
targets        the table: targets, tolerances, sources
score          from facts to credits, categories and one figure
controls       noise, which must not do well
twin           other histories of the United States, which tell what luck costs
report         many runs together, with confidence intervals

Pure functions over arrays; what reads files and prints is `city_node.laboratory.reality`.
docs/reality.md says what it found.
"""
