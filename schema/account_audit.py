"""The audit log of an account, as fields of the account: for those who administer it."""

import strawberry

from credits.accounts import AccountState
from db.kinds import Scope
from schema.access import Needs, forbidden, signed_in
from schema.audit import AuditEvent, AuditExport, Events, Filter, Form, export_events, list_events
from schema.context import Info
from schema.fields import query
from schema.paging import After, Before, Connection, First, window


@strawberry.type
class AccountAudit:
    state: strawberry.Private[AccountState]

    @query(Needs(Scope.ADMIN), "What anyone changed in it, the newest first. For its administrators.")
    async def audit_log(
        self, info: Info, filter: Filter = None, first: First = 50, after: After = None, before: Before = None
    ) -> Connection[AuditEvent]:
        return await list_events(info, self._administered(info), filter, window(first, after, before, int, int))

    @query(Needs(Scope.ADMIN), "The same as a file, part by part. For its administrators.")
    async def audit_export(
        self, info: Info, form: Form, filter: Filter = None, first: Events = 5_000, after: After = None
    ) -> AuditExport:
        return await export_events(info, self._administered(info), form, filter, first, after)

    def _administered(self, info: Info) -> int:
        """The account's number, for whoever administers it; a role in another account is worth nothing here."""
        account_id = self.state.account_id
        if not signed_in(info.context).may(Scope.ADMIN, account_id):
            raise forbidden(info.context.language)
        return account_id
