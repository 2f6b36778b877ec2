"""The society: millions of citizens whose heritable traits are put to the test, pulse by pulse.

traits       the 27 heritable traits: what each does, and what a citizen is made of at birth
params       every number of the rules; regimes as data
state        citizens in tiles, the commons, the treasury
founding     how one is founded
tiles        the citizens' part of a pulse as one fused pass over pairs of tiles: the default
layout       where its columns begin;  life, arena, births: what it is merged from
pulse        a pulse from end to end: environment, citizens, score, regime, harvest
pulse_torch  the citizens' part of a pulse in plain torch, with a full shuffle: oracle, and devices
report       what can be measured, sampled and drawn
events       the shocks that can be scheduled

The loop that fuses it with merchants is `merchants.advance_society`. Knows no file and no thread:
founders come as an array, and whoever calls says how pieces of a pulse are spread over threads.
"""
