"""What the tutorial's chapters 1 to 6 showed, run on our engine: `python -m tools.scenarios`.

film             a world that is watched while time passes; every scenario plays on one
price_discovery, many_goods, coupled_goods, inflation, two_towns, four_towns
                 one scenario each: its set-up in words, what it measures, what must be seen
claims           what a scenario says about itself; tolerances from twenty seeds
*.json           those twenty runs, stored by `--store`
pictures         charts of one run each

A scenario is a plain function from a seed to numbers. Its towns are the files of `examples/`, which
`city-node --config` runs too; its shocks are events that any operator could schedule.
`tests/test_scenarios.py` runs three seeds of each.
"""
