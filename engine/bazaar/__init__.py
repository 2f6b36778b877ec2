"""The bazaar: residents gather, craft, rest and haggle; the default economy of a city.

params   every number of the rules, with unit and reason
state    residents and market as arrays; founding
step     one tick of the residents; a sale; a merchant's purchase
exchange books and auctions as arrays, for goods that are not haggled over
orders   how residents and merchants trade there
report   what can be measured, sampled and drawn
events   the shocks that can be scheduled
"""
