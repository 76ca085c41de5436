"""The rules of calls in progress as queries: what they hold is in the lots, and in the account's total, once."""

# Each finds (account_id, where), as those of `credits.money_rules` do.
CALL_RULES: dict[str, str] = {
    "what lots hold for calls is the sum of what calls hold": """
        SELECT account_id, 'account' FROM account WHERE {scope} AND reserved_micros <>
            (SELECT coalesce(sum(held_micros), 0) FROM call WHERE call.account_id = account.account_id
            AND call.status = 'AUTHORIZED')""",
    "what is reserved is what the lots hold for calls": """
        SELECT account_id, 'account' FROM account WHERE {scope} AND reserved_micros <>
            (SELECT coalesce(sum(held_micros), 0) FROM lot WHERE lot.account_id = account.account_id)""",
    "a call in progress lapses when it is due": """
        SELECT account.account_id, 'call ' || call.call_no FROM (SELECT * FROM account WHERE {scope}) AS account
            JOIN call ON call.account_id = account.account_id AND call.status = 'AUTHORIZED'
        WHERE call.lapses_at > account.caught_up_at AND call.lapses_at < account.due_at""",
}
