"""A person's own sign-in: their address, their second factor, and the browsers in which they are signed in."""

from datetime import datetime
from typing import Self

import strawberry

from credits.ids import public_id
from credits.instants import moment
from credits.people import PersonState, look_up_person
from credits.second_factor import SecondFactor, second_factor_of
from credits.sessions import SessionState, sessions_of
from db.session import Session
from schema.access import Viewer
from schema.context import Context


@strawberry.type(description="A browser in which somebody is signed in.")
class WebSession:
    id: strawberry.ID = strawberry.field(description="By which it can be ended.")
    opened_at: datetime = strawberry.field(description="When they signed in.")
    seen_at: datetime = strawberry.field(description="When it was last seen, to a few minutes.")
    ends_at: datetime = strawberry.field(description="When it will be over by itself.")
    address: str = strawberry.field(description="The network address from which they signed in.")
    browser: str = strawberry.field(description="What the browser calls itself.")
    is_this: bool = strawberry.field(description="It is the one that asks.")

    @classmethod
    def from_state(cls, state: SessionState, viewer: Viewer) -> Self:
        """A session; `viewer` asks from one of them."""
        return cls(
            id=strawberry.ID(public_id("sess", state.session_id)),
            opened_at=moment(state.opened_at),
            seen_at=moment(state.seen_at),
            ends_at=moment(state.until),
            address=state.address,
            browser=state.agent,
            is_this=state.session_id == viewer.session_id,
        )


@strawberry.type(description="How a person signs in. Each sees their own.")
class SignIn:
    email: str = strawberry.field(description="Their mail address.")
    second_factor_since: datetime | None = strawberry.field(
        description="Since when a code is asked for beside the password; null: none is."
    )
    recovery_codes_left: int = strawberry.field(description="How many codes are left that stand in for it once each.")
    sessions: list[WebSession] = strawberry.field(description="Where they are signed in, the one seen last first.")


async def find_sign_in(context: Context, viewer: Viewer) -> SignIn | None:
    """The sign-in of the person who asks."""
    assert viewer.number is not None
    found = await context.read(_read, viewer.number, context.now)
    if found is None:
        return None
    person, factor, sessions = found
    return SignIn(
        email=person.email,
        second_factor_since=None if factor.since is None else moment(factor.since),
        recovery_codes_left=factor.recovery_codes_left,
        sessions=[WebSession.from_state(each, viewer) for each in sessions],
    )


def _read(session: Session, person_id: int, now: int) -> tuple[PersonState, SecondFactor, list[SessionState]] | None:
    person = look_up_person(session, person_id)
    if person is None:
        return None
    return person, second_factor_of(session, person_id), sessions_of(session, person_id, now)
