"""Dispatch: claim, open, wire, close. The only caller of adapters.

Displays are worked by outlet (`displays`), messengers by delivery: one target at a time or in sets
(`targets`), or in slices of frozen shards (`shards`). Each step is a function of its own, committed
before the next, so that a process may die at any line; tests drive them one by one.
"""
