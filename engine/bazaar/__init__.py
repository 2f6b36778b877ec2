"""The bazaar: residents gather, craft, rest and haggle; the default economy of a city.

params   every number of the rules, with unit and reason
state    residents and market as arrays; founding
step     one tick of the residents; a sale; a merchant's purchase
report   what can be measured, sampled and drawn
events   the shocks that can be scheduled
"""
