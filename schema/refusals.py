"""A refusal as data: what a payload's `errors` hold."""

import strawberry

from credits.language import Language
from credits.refusals import Code, Refusal
from schema.kinds import describe

describe(
    Code,
    "What kind of refusal an error is.",
    name="ErrorCode",
    INVALID="A value that can never be right; `field` says which.",
    NOT_FOUND="Something that the input names does not exist, or not for you.",
    CONFLICT="Right in itself, but not in the present state: a closed account, a lot of which nothing is left.",
    IDEMPOTENCY_KEY_REUSED="The same idempotency key came before with other values.",
    PAYMENT_DECLINED="The payment provider declined.",
    LIMIT_EXCEEDED="More than a limit allows.",
    INSUFFICIENT_CREDIT="The balance does not cover it.",
)


@strawberry.type(
    description="Why something was not done. A client acts on `code` and `field`; a person reads `message`."
)
class UserError:
    code: Code = strawberry.field(description="What kind of refusal this is.")
    message: str = strawberry.field(description="For a person, in the language of the request.")
    field: list[str] | None = strawberry.field(description='Where in the input the trouble lies: ["input", "amount"].')

    @classmethod
    def of(cls, refusal: Refusal, language: Language, *path: str) -> "UserError":
        """A refusal in a language; `path` leads to where its own field begins."""
        where = [*path, *(str(step) for step in refusal.field)]
        return cls(code=refusal.code, message=language.say(refusal.message, **refusal.values), field=where or None)
