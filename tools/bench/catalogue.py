"""All benchmarks, in the order of the page. A new one is a module and a line here."""

BENCHMARKS = {
    "bazaar": "tools.bench.bazaar",
    "order_book": "tools.bench.order_book",
    "call_auction": "tools.bench.call_auction",
    "society": "tools.bench.society",
    "startup": "tools.bench.startup",
    "durability": "tools.bench.durability",
    "wire": "tools.bench.wire",
    "node_wire": "tools.bench.node_wire",
    "evolution": "tools.bench.evolution",
    "macro": "tools.bench.macro",
    "learning": "tools.bench.learning",
    "viewer": "tools.bench.viewer",
    "watched": "tools.bench.watched",
    "hostile": "tools.bench.hostile",
}
"""Name -> module. Imported when it is run: benchmarks bring different libraries along."""
