"""How fast it is, beside whom, and what the limits are: `python -m tools.bench [NAME ...]`.

results     what a benchmark returns, and how results are kept
machine     where they were measured, and the clock
report      docs/performance.md, written from the results that are kept
bazaar, startup, ...   one benchmark each

A benchmark is a module with a function `measure(tell) -> Result`; `catalogue` names them all. Each
run keeps its results in docs/performance/NAME.json and rewrites the page from all that are kept, so
that one benchmark can be run again without the others. None is a test: times are never asserted.
"""
