"""The rules of users and minute pools as queries: their totals are those of their calls, which are proved apart."""

# Each finds (account_id, where), as those of `credits.money_rules` do.
USER_RULES: dict[str, str] = {
    "a call's user is one of its account": """
        SELECT account_id, 'call ' || call_no FROM call WHERE {scope} AND user_no IS NOT NULL
            AND NOT EXISTS (SELECT 1 FROM phone_user WHERE phone_user.account_id = call.account_id
                AND phone_user.user_no = call.user_no)""",
    "a call's minutes come from a pool of its account": """
        SELECT account_id, 'call ' || call_no FROM call WHERE {scope}
            AND (pool_no IS NOT NULL OR plan_seconds > 0 OR held_minutes > 0)
            AND NOT EXISTS (SELECT 1 FROM minute_pool WHERE minute_pool.account_id = call.account_id
                AND minute_pool.pool_no = call.pool_no)""",
    "a pool's used minutes are those of its calls": """
        SELECT pool.account_id, 'pool ' || pool.pool_no FROM (SELECT * FROM minute_pool WHERE {scope}) AS pool
            LEFT JOIN (SELECT account_id, pool_no, sum((plan_seconds + 59) / 60) AS minutes FROM call
                WHERE {scope} AND status IN ('SETTLED', 'UNRATED') AND reversed_at IS NULL GROUP BY account_id, pool_no
            ) AS used ON used.account_id = pool.account_id AND used.pool_no = pool.pool_no
        WHERE pool.used_minutes <> coalesce(used.minutes, 0)""",
    "a pool's promised minutes are those of calls in progress": """
        SELECT pool.account_id, 'pool ' || pool.pool_no FROM (SELECT * FROM minute_pool WHERE {scope}) AS pool
            LEFT JOIN (SELECT account_id, pool_no, sum(held_minutes) AS minutes FROM call
                WHERE {scope} AND status = 'AUTHORIZED' GROUP BY account_id, pool_no
            ) AS promised ON promised.account_id = pool.account_id AND promised.pool_no = pool.pool_no
        WHERE pool.held_minutes <> coalesce(promised.minutes, 0)""",
    "what a user spent is what its calls cost": """
        SELECT who.account_id, 'user ' || who.user_no FROM (SELECT * FROM phone_user WHERE {scope}) AS who
            LEFT JOIN (SELECT account_id, user_no, sum(charge_micros) AS micros FROM call
                WHERE {scope} AND user_no IS NOT NULL GROUP BY account_id, user_no
            ) AS charged ON charged.account_id = who.account_id AND charged.user_no = who.user_no
            LEFT JOIN (SELECT account_id, user_no, sum(spent_micros) AS micros FROM user_month
                WHERE {scope} GROUP BY account_id, user_no
            ) AS spent ON spent.account_id = who.account_id AND spent.user_no = who.user_no
        WHERE coalesce(charged.micros, 0) <> coalesce(spent.micros, 0)""",
}
