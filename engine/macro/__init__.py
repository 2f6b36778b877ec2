"""A macro economy: households, firms, banks, government and central bank, in monthly steps.

A file a market, each with the rule that its agents follow there: `plan` (what firms want to make,
hire, pay and ask), `labour`, `income` (wages, taxes, benefits, interest), `credit` (loans, spreads,
failures of banks), `goods`, `capital_goods`, `firms` (dividends, failure and entry); `month` puts
them in order. `params` holds every number, `state` every array, `founding` the first month. Money
is the city's own, in int64 minor units, and moves only by `accounts.pay`, loans included;
merchants' coins meet it in `abroad`. `spaces` says what each kind of agent sees and may do beside
its rule, `rewards` what it is paid; it learns in `environment` and is driven by what it learned in
`learned`, by genes in `evolved`. `laboratory` runs many seeds at once; `report` is what a city
shows.

No equation here links two aggregates: there is no matching function, no Phillips curve, no Okun's
law. docs/macro.md lists what is a rule and what emerges.
"""
