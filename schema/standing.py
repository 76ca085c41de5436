"""Since when an account is what it is, and why, as fields of it."""

from datetime import datetime

import strawberry

from credits.instants import moment
from db.kinds import Scope
from schema.access import Needs, OfAccount
from schema.context import Info
from schema.fields import query


@strawberry.type
class AccountStanding(OfAccount):
    @query(Needs(Scope.READ), "Why it was suspended, reactivated or closed; null when nobody said.")
    async def status_reason(self, info: Info) -> str | None:
        return (await info.context.loaders.standing_by_account.load(self.state.account_id)).reason

    @query(Needs(Scope.READ), "Since when it is what it is, by its own clock; null: since it was opened.")
    async def status_changed_at(self, info: Info) -> datetime | None:
        at = (await info.context.loaders.standing_by_account.load(self.state.account_id)).changed_at
        return None if at is None else moment(at)
