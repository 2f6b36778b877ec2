"""Who a node is and whom it trusts: keys, ids and names, TLS, the files of trust."""
