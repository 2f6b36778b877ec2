"""What makes a world go on after a crash: its folder, its ledger, its checkpoints.

`folder`, `opened` and `recovery` begin; `keeping` writes with every window: `books` and `records`
into the `ledger`, the whole world onto the `shelf` as a `checkpoint`; `audit` adds up what is kept.
"""
