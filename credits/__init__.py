"""The rules of prepaid calls: money, lots, ledger, rating, calls, recharging and the proof that they hold."""
