"""The schema: everything that the API offers, and what the pages stand on."""

from typing import Annotated

import strawberry
from strawberry.printer import print_schema
from strawberry.schema.config import StrawberryConfig

from db.kinds import Scope
from schema.access import Needs
from schema.account_access import AccessQueries
from schema.account_changes import AccountMutations
from schema.accounts import AccountQueries
from schema.audit import AuditQueries
from schema.authorizing import AuthorizingMutations
from schema.auto_recharge import AutoRechargeMutations
from schema.card_setups import CardSetupMutations
from schema.context import Info
from schema.corrections import CorrectionMutations
from schema.faults import Schema
from schema.fields import query
from schema.invitations import InvitationMutations
from schema.invoices import InvoiceMutations, InvoiceQueries
from schema.live import Subscription
from schema.lots import LotMutations
from schema.members import MemberMutations
from schema.nodes import Node, find_node
from schema.notices import NoticeMutations
from schema.payment_methods import PaymentMethodMutations
from schema.plans import PlanMutations, PlanQueries
from schema.publishing import PublishingMutations
from schema.quotes import QuoteQueries
from schema.rates import RateQueries
from schema.recharge_changes import RechargeChanges
from schema.recharges import RechargeMutations
from schema.recording import RecordingMutations
from schema.refunds import RefundMutations
from schema.scalars import SCALARS
from schema.sign_in_changes import SignInMutations
from schema.standing_changes import StandingMutations
from schema.tokens import TokenMutations
from schema.user_changes import UserMutations


@strawberry.type(description="Reading. Nothing here changes anything.")
class Query(AccountQueries, AccessQueries, RateQueries, QuoteQueries, PlanQueries, InvoiceQueries, AuditQueries):
    @query(Needs(Scope.READ), "Anything that has an id; null when there is none, or none that the viewer may see.")
    async def node(
        self, info: Info, id: Annotated[strawberry.ID, strawberry.argument(description="Its id.")]
    ) -> Node | None:
        found: Node | None = await find_node(info.context, id)
        return found


@strawberry.type(
    description="Changing. Each takes one `input` and answers with what it changed and with `errors`, empty on success."
)
class Mutation(
    AccountMutations,
    PaymentMethodMutations,
    CardSetupMutations,
    RechargeMutations,
    RechargeChanges,
    AutoRechargeMutations,
    InvoiceMutations,
    RefundMutations,
    LotMutations,
    NoticeMutations,
    PublishingMutations,
    PlanMutations,
    UserMutations,
    AuthorizingMutations,
    RecordingMutations,
    CorrectionMutations,
    SignInMutations,
    InvitationMutations,
    TokenMutations,
    MemberMutations,
    StandingMutations,
):
    pass


schema = Schema(
    query=Query,
    mutation=Mutation,
    subscription=Subscription,
    config=StrawberryConfig(scalar_map=SCALARS, disable_field_suggestions=True),
)


def sdl() -> str:
    """The schema in the schema definition language: the contents of schema.graphql."""
    return print_schema(schema) + "\n"
