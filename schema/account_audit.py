"""The audit log of an account, as fields of the account: for those who administer it."""

import strawberry

from db.kinds import Scope
from schema.access import Needs, OfAccount
from schema.audit import AuditEvent, AuditExport, Events, Filter, Form, export_events, list_events
from schema.context import Info
from schema.fields import query
from schema.paging import After, Before, Connection, First, window


@strawberry.type
class AccountAudit(OfAccount):
    @query(Needs(Scope.ADMIN), "What anyone changed in it, the newest first. For its administrators.")
    async def audit_log(
        self, info: Info, filter: Filter = None, first: First = 50, after: After = None, before: Before = None
    ) -> Connection[AuditEvent]:
        return await list_events(info, self.state.account_id, filter, window(first, after, before, int, int))

    @query(Needs(Scope.ADMIN), "The same as a file, part by part. For its administrators.")
    async def audit_export(
        self, info: Info, form: Form, filter: Filter = None, first: Events = 5_000, after: After = None
    ) -> AuditExport:
        return await export_events(info, self.state.account_id, form, filter, first, after)
