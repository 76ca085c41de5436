"""The rules of money as queries: each finds what breaks it. The order is that of trust: first that entries add up in
themselves, then that totals, lots, calls and recharges agree with them.
"""

# What refunds that did not fail, open disputes and lost ones have taken of a recharge.
_RETURNED = """(
    (SELECT coalesce(sum(refund.amount_micros), 0) FROM refund WHERE refund.account_id = recharge.account_id
        AND refund.recharge_no = recharge.recharge_no AND refund.status <> 'FAILED')
    + (SELECT coalesce(sum(dispute.held_micros), 0) FROM dispute WHERE dispute.account_id = recharge.account_id
        AND dispute.recharge_no = recharge.recharge_no AND dispute.status <> 'WON'))"""

# Each finds (account_id, where). `{scope}` limits a table to the accounts that are asked about.
MONEY_RULES: dict[str, str] = {
    "an entry belongs to an account": """
        SELECT account_id, 'entry ' || entry_no FROM ledger_entry WHERE {scope}
            AND NOT EXISTS (SELECT 1 FROM account WHERE account.account_id = ledger_entry.account_id)""",
    "entries are numbered without gaps": """
        SELECT account_id, 'entry ' || entry_no FROM (
            SELECT account_id, entry_no, row_number() OVER (PARTITION BY account_id ORDER BY entry_no) AS place
            FROM ledger_entry WHERE {scope}) AS numbered
        WHERE entry_no <> place""",
    "entries are posted in order of time": """
        SELECT account_id, 'entry ' || entry_no FROM (
            SELECT account_id, entry_no, posted_at,
                lag(posted_at) OVER (PARTITION BY account_id ORDER BY entry_no) AS posted_before
            FROM ledger_entry WHERE {scope}) AS walked
        WHERE posted_at < posted_before""",
    "nothing is written before it happened": """
        SELECT account_id, 'entry ' || entry_no FROM ledger_entry WHERE {scope} AND posted_at < occurred_at""",
    "the account counts its entries": """
        SELECT account_id, 'account' FROM account WHERE {scope} AND entry_count <>
            (SELECT count(*) FROM ledger_entry WHERE ledger_entry.account_id = account.account_id)""",
    "the account knows when its newest entry was posted": """
        SELECT account_id, 'account' FROM account WHERE {scope} AND last_posted_at <>
            (SELECT coalesce(max(posted_at), 0) FROM ledger_entry
            WHERE ledger_entry.account_id = account.account_id)""",
    "an entry's amount is its draws and the change of what is owed": """
        SELECT account_id, 'entry ' || entry_no FROM ledger_entry WHERE {scope} AND amount_micros <>
            owed_change_micros + (SELECT coalesce(sum(draw.amount_micros), 0) FROM draw
            WHERE draw.account_id = ledger_entry.account_id AND draw.entry_no = ledger_entry.entry_no)""",
    "an entry's balance is the one before it and its amount": """
        SELECT account_id, 'entry ' || entry_no FROM (
            SELECT account_id, entry_no, balance_after_micros - amount_micros AS opening,
                coalesce(lag(balance_after_micros) OVER (PARTITION BY account_id ORDER BY entry_no), 0) AS closing
            FROM ledger_entry WHERE {scope}) AS walked
        WHERE opening <> closing""",
    "what is owed never falls below zero": """
        SELECT account_id, 'entry ' || entry_no FROM (
            SELECT account_id, entry_no,
                sum(owed_change_micros) OVER (PARTITION BY account_id ORDER BY entry_no) AS repaid
            FROM ledger_entry WHERE {scope}) AS walked
        WHERE repaid > 0""",
    "the book balance is the sum of the entries": """
        SELECT account_id, 'account' FROM account WHERE {scope} AND book_balance_micros <>
            (SELECT coalesce(sum(amount_micros), 0) FROM ledger_entry
            WHERE ledger_entry.account_id = account.account_id)""",
    "what is owed is the sum of its changes": """
        SELECT account_id, 'account' FROM account WHERE {scope} AND -owed_micros <>
            (SELECT coalesce(sum(owed_change_micros), 0) FROM ledger_entry
            WHERE ledger_entry.account_id = account.account_id)""",
    "the book balance is what the lots hold less what is owed": """
        SELECT account_id, 'account' FROM account WHERE {scope} AND book_balance_micros + owed_micros <>
            (SELECT coalesce(sum(remaining_micros), 0) FROM lot WHERE lot.account_id = account.account_id)""",
    "a lot is granted by one entry, whole": """
        SELECT account_id, 'lot ' || lot_no FROM lot WHERE {scope} AND amount_micros <>
            (SELECT CASE count(*) WHEN 1 THEN min(draw.amount_micros) ELSE -1 END FROM draw JOIN ledger_entry
                ON ledger_entry.account_id = draw.account_id AND ledger_entry.entry_no = draw.entry_no
            WHERE draw.account_id = lot.account_id AND draw.lot_no = lot.lot_no
                AND (ledger_entry.kind IN ('FUNDS_ADDED', 'GRANT')
                    OR ledger_entry.kind = 'REVERSAL' AND ledger_entry.call_no IS NULL
                        AND lot.source = 'ADJUSTMENT'))""",
    "a lot holds what was granted less what was drawn": """
        SELECT account_id, 'lot ' || lot_no FROM lot WHERE {scope} AND remaining_micros <>
            (SELECT coalesce(sum(amount_micros), 0) FROM draw
            WHERE draw.account_id = lot.account_id AND draw.lot_no = lot.lot_no)""",
    "a lot never gives more than it holds": """
        SELECT account_id, 'lot ' || lot_no FROM (
            SELECT account_id, lot_no,
                sum(amount_micros) OVER (PARTITION BY account_id, lot_no ORDER BY entry_no) AS held
            FROM draw WHERE {scope}) AS walked
        WHERE held < 0""",
    "lots are filled by funds and emptied by all else": """
        SELECT draw.account_id, 'entry ' || draw.entry_no FROM (SELECT * FROM draw WHERE {scope}) AS draw
            JOIN ledger_entry ON ledger_entry.account_id = draw.account_id AND ledger_entry.entry_no = draw.entry_no
        WHERE ledger_entry.kind <> 'REVERSAL'
            AND (draw.amount_micros > 0) <> (ledger_entry.kind IN ('FUNDS_ADDED', 'GRANT'))""",
    "only calls and what goes back are owed, and only lots repay": """
        SELECT account_id, 'entry ' || entry_no FROM ledger_entry WHERE {scope} AND kind <> 'REVERSAL'
            AND (owed_change_micros < 0 AND kind NOT IN ('CALL_CHARGE', 'REFUND')
                OR owed_change_micros > 0 AND amount_micros <> 0)""",
    "a lot is forfeited by an expiry, and only then": """
        SELECT account_id, 'lot ' || lot_no FROM lot WHERE {scope} AND (forfeited_at IS NOT NULL) <>
            EXISTS (SELECT 1 FROM draw JOIN ledger_entry
                ON ledger_entry.account_id = draw.account_id AND ledger_entry.entry_no = draw.entry_no
            WHERE draw.account_id = lot.account_id AND draw.lot_no = lot.lot_no AND ledger_entry.kind = 'EXPIRY')""",
    "funds are forfeited at their expiry": """
        SELECT draw.account_id, 'lot ' || draw.lot_no FROM (SELECT * FROM draw WHERE {scope}) AS draw
            JOIN ledger_entry ON ledger_entry.account_id = draw.account_id AND ledger_entry.entry_no = draw.entry_no
            JOIN lot ON lot.account_id = draw.account_id AND lot.lot_no = draw.lot_no
        WHERE ledger_entry.kind = 'EXPIRY' AND ledger_entry.occurred_at <> lot.expires_at""",
    "a lot is voided by an adjustment, and only then": """
        SELECT account_id, 'lot ' || lot_no FROM lot WHERE {scope} AND (voided_at IS NOT NULL) <>
            EXISTS (SELECT 1 FROM draw JOIN ledger_entry
                ON ledger_entry.account_id = draw.account_id AND ledger_entry.entry_no = draw.entry_no
            WHERE draw.account_id = lot.account_id AND draw.lot_no = lot.lot_no
                AND ledger_entry.kind = 'ADJUSTMENT' AND ledger_entry.amount_micros < 0)""",
    "a forfeited or voided lot holds nothing but for calls in progress": """
        SELECT account_id, 'lot ' || lot_no FROM lot WHERE {scope}
            AND coalesce(forfeited_at, voided_at) IS NOT NULL AND remaining_micros <> held_micros""",
    "a call draws on lots that were usable when it was answered, reported or in progress": """
        SELECT draw.account_id, 'entry ' || draw.entry_no FROM (SELECT * FROM draw WHERE {scope}) AS draw
            JOIN ledger_entry ON ledger_entry.account_id = draw.account_id AND ledger_entry.entry_no = draw.entry_no
            JOIN lot ON lot.account_id = draw.account_id AND lot.lot_no = draw.lot_no
            JOIN call ON call.account_id = draw.account_id AND call.call_no = ledger_entry.call_no
        WHERE ledger_entry.kind = 'CALL_CHARGE'
            AND NOT (lot.starts_at <= ledger_entry.posted_at
                AND coalesce(call.authorized_at, lot.expires_at) < lot.expires_at)
            AND NOT (lot.starts_at <= ledger_entry.occurred_at AND ledger_entry.occurred_at < lot.expires_at)
            AND NOT (lot.starts_at <= ledger_entry.posted_at AND ledger_entry.posted_at < lot.expires_at)""",
    "a lot repays from its start on": """
        SELECT draw.account_id, 'entry ' || draw.entry_no FROM (SELECT * FROM draw WHERE {scope}) AS draw
            JOIN ledger_entry ON ledger_entry.account_id = draw.account_id AND ledger_entry.entry_no = draw.entry_no
            JOIN lot ON lot.account_id = draw.account_id AND lot.lot_no = draw.lot_no
        WHERE ledger_entry.owed_change_micros > 0 AND ledger_entry.posted_at < lot.starts_at""",
    "nothing is owed while a usable lot holds money": """
        SELECT account.account_id, 'lot ' || lot.lot_no FROM (SELECT * FROM account WHERE {scope}) AS account
            JOIN ledger_entry ON ledger_entry.account_id = account.account_id
                AND ledger_entry.entry_no = account.entry_count
            JOIN lot ON lot.account_id = account.account_id
        WHERE account.owed_micros > 0 AND lot.remaining_micros > lot.held_micros
            AND lot.starts_at <= ledger_entry.posted_at AND ledger_entry.posted_at < lot.expires_at""",
    "a call is charged once, by an entry of its amount, until that is reversed": """
        SELECT account_id, 'call ' || call_no FROM call WHERE {scope} AND charge_micros <>
            (SELECT -coalesce(sum(amount_micros), 0) FROM ledger_entry
            WHERE ledger_entry.account_id = call.account_id AND ledger_entry.call_no = call.call_no
                AND ledger_entry.kind IN ('CALL_CHARGE', 'REVERSAL'))""",
    "a call is priced in its account's currency": """
        SELECT call.account_id, 'call ' || call_no FROM (SELECT * FROM call WHERE {scope}) AS call
            JOIN account ON account.account_id = call.account_id
            JOIN rate_deck ON rate_deck.deck_id = call.deck_id
        WHERE rate_deck.currency <> account.currency""",
    "a recharge that succeeded has one lot of its amount": """
        SELECT account_id, 'recharge ' || recharge_no FROM recharge WHERE {scope}
            AND CASE status WHEN 'SUCCEEDED' THEN amount_micros ELSE 0 END <>
            (SELECT coalesce(sum(lot.amount_micros), 0) FROM lot
            WHERE lot.account_id = recharge.account_id AND lot.recharge_no = recharge.recharge_no)""",
    "receipts are numbered without gaps": """
        SELECT account_id, 'recharge ' || recharge_no FROM (
            SELECT account_id, recharge_no, status, receipt_no,
                row_number() OVER (PARTITION BY account_id, receipt_no IS NULL ORDER BY receipt_no) AS place
            FROM recharge WHERE {scope}) AS numbered
        WHERE (status = 'SUCCEEDED') <> (receipt_no IS NOT NULL) OR receipt_no <> place""",
    "the account counts its receipts": """
        SELECT account_id, 'account' FROM account WHERE {scope} AND receipt_count <>
            (SELECT count(receipt_no) FROM recharge WHERE recharge.account_id = account.account_id)""",
    "what went back of a recharge is what its refunds and disputes took": f"""
        SELECT account_id, 'recharge ' || recharge_no FROM recharge WHERE {{scope}} AND {_RETURNED} <>
            (SELECT -coalesce(sum(ledger_entry.amount_micros), 0) FROM ledger_entry
            WHERE ledger_entry.account_id = recharge.account_id AND ledger_entry.recharge_no = recharge.recharge_no
                AND ledger_entry.kind IN ('REFUND', 'REVERSAL'))""",
    "no more goes back of a recharge than it brought": f"""
        SELECT account_id, 'recharge ' || recharge_no FROM recharge WHERE {{scope}}
            AND {_RETURNED} > CASE status WHEN 'SUCCEEDED' THEN amount_micros ELSE 0 END""",
    "a lost dispute takes all that did not go back in another way": f"""
        SELECT account_id, 'recharge ' || recharge_no FROM recharge WHERE {{scope}} AND {_RETURNED} < amount_micros
            AND EXISTS (SELECT 1 FROM dispute WHERE dispute.account_id = recharge.account_id
                AND dispute.recharge_no = recharge.recharge_no AND dispute.status = 'LOST'
                AND dispute.held_micros < dispute.amount_micros)""",
    "what goes back is taken from the recharge's own lot": """
        SELECT draw.account_id, 'entry ' || draw.entry_no FROM (SELECT * FROM draw WHERE {scope}) AS draw
            JOIN ledger_entry ON ledger_entry.account_id = draw.account_id AND ledger_entry.entry_no = draw.entry_no
            JOIN lot ON lot.account_id = draw.account_id AND lot.lot_no = draw.lot_no
        WHERE ledger_entry.kind = 'REFUND' AND ledger_entry.recharge_no IS DISTINCT FROM lot.recharge_no""",
    "bought funds come from a recharge": """
        SELECT account_id, 'lot ' || lot_no FROM lot WHERE {scope}
            AND (source IN ('PURCHASE', 'AUTO_RECHARGE', 'INVOICE')) <> (recharge_no IS NOT NULL)""",
    "what cannot be spent is counted apart": """
        SELECT account_id, 'account' FROM account WHERE {scope} AND unusable_micros <>
            (SELECT coalesce(sum(remaining_micros - held_micros), 0) FROM lot WHERE lot.account_id = account.account_id
            AND (lot.expires_at <= account.caught_up_at OR lot.starts_at > account.caught_up_at))""",
    "what time brings about is not missed": """
        SELECT account.account_id, 'lot ' || lot_no FROM (SELECT * FROM account WHERE {scope}) AS account
            JOIN lot ON lot.account_id = account.account_id AND lot.is_open
        WHERE (lot.starts_at > account.caught_up_at AND lot.starts_at < account.due_at)
            OR (lot.expires_at > account.caught_up_at AND lot.expires_at < account.due_at)""",
}
