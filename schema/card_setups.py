"""Giving a card on the payment provider's own page, so that its number never comes here."""

import strawberry

from credits import payment_methods
from credits.ids import read_id_within
from db.kinds import Scope
from schema.access import Needs, account_number
from schema.context import Info
from schema.fields import Input, mutation
from schema.payment_methods import PaymentMethodPayload, find_method
from schema.refusals import UserError


@strawberry.input(description="A card that is to be given on the payment provider's page.")
class StartCardSetupInput:
    account_id: strawberry.ID = strawberry.field(description="For which account.")
    make_default: bool = strawberry.field(default=True, description="Use it from then on when none is named.")


@strawberry.type(description="Where to give the card.")
class CardSetupPayload:
    url: str | None = strawberry.field(
        default=None, description="The provider's page. From there the customer comes back to the payment methods."
    )
    errors: list[UserError] = strawberry.field(default_factory=list, description="Why nothing was done; else empty.")


@strawberry.input(description="A card set-up whose customer has come back.")
class FinishCardSetupInput:
    account_id: strawberry.ID = strawberry.field(description="The account.")
    setup_id: strawberry.ID = strawberry.field(
        description="The set-up: `setup` in the address that the customer came back to."
    )


@strawberry.type
class CardSetupMutations:
    @mutation(Needs(Scope.FUNDS), "Opens a page of the payment provider on which a card is given. For LIVE accounts.")
    async def start_card_setup(self, info: Info, input: Input[StartCardSetupInput]) -> CardSetupPayload:
        context = info.context
        url = await context.work(
            payment_methods.start_card_setup, context.database, context.providers,
            account_id=account_number(input.account_id), make_default=input.make_default, now=context.now,
            terms=context.terms,
        )  # fmt: skip
        return CardSetupPayload(url=url)

    @mutation(
        Needs(Scope.FUNDS),
        "Asks the payment provider for the card that was given; without one, `paymentMethod` is null. It is asked for"
        " by itself, too, when nobody comes back.",
    )
    async def finish_card_setup(self, info: Info, input: Input[FinishCardSetupInput]) -> PaymentMethodPayload:
        context, account_id = info.context, account_number(input.account_id)
        method_no = await context.work(
            payment_methods.finish_card_setup, context.database, context.providers, account_id=account_id,
            setup_no=read_id_within("setup", account_id, input.setup_id, "setupId"), now=context.now,
            terms=context.terms,
        )  # fmt: skip
        method = None if method_no is None else await find_method(context, account_id, method_no)
        return PaymentMethodPayload(payment_method=method)
