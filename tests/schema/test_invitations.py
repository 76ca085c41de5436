"""Inviting people through the API."""

from credits.invitations import open_invitations
from credits.links import links_to_mail
from db.kinds import Role, Scope
from tests.factories import NOW, make_account
from tests.schema.asking import OPERATOR, Api, acct, person, program

BOB = "bob@example.com"
SHAPE = "invitation { id email role invitedBy expiresAt acceptedAt withdrawnAt sentAt }"


def test_an_administrator_invites_somebody_by_mail(api: Api) -> None:
    account_id = make_account(api.database)

    payload = api.change(
        "inviteMember", SHAPE, {"accountId": acct(account_id), "email": "Bob@Example.com", "role": "BILLING"},
        viewer=person(Role.ADMIN, account_id),
    )  # fmt: skip

    made = payload["invitation"]
    assert (made["email"], made["role"], made["invitedBy"]) == (BOB, "BILLING", "admin@example.com")
    assert (made["acceptedAt"], made["withdrawnAt"], made["sentAt"]) == (None, None, None)
    assert made["expiresAt"] == "2026-10-08T12:00:00Z"
    with api.database.reading() as session:
        assert len(links_to_mail(session, NOW)) == 1


def test_what_is_no_address_is_refused_at_its_field(api: Api) -> None:
    account_id = make_account(api.database)

    errors = api.refused("inviteMember", {"accountId": acct(account_id), "email": "nobody", "role": "VIEWER"})

    assert [(error["code"], error["field"]) for error in errors] == [("INVALID", ["input", "email"])]
    with api.database.reading() as session:
        assert open_invitations(session, account_id, NOW) == []


def test_an_invitation_is_withdrawn(api: Api) -> None:
    account_id = make_account(api.database)
    values = {"accountId": acct(account_id), "email": BOB, "role": "VIEWER"}
    made = api.change("inviteMember", SHAPE, values)["invitation"]

    payload = api.change(
        "withdrawInvitation", SHAPE, {"accountId": acct(account_id), "invitationId": made["id"]}
    )  # fmt: skip

    assert payload["invitation"]["withdrawnAt"] is not None
    with api.database.reading() as session:
        assert open_invitations(session, account_id, NOW) == []


def test_an_operator_invites_another_and_withdraws_it(api: Api) -> None:
    made = api.change("inviteOperator", SHAPE, {"email": BOB}, viewer=OPERATOR)["invitation"]

    payload = api.change("withdrawInvitation", SHAPE, {"invitationId": made["id"]}, viewer=OPERATOR)

    assert made["role"] is None
    assert payload["invitation"]["withdrawnAt"] is not None


def test_an_invitation_to_operate_is_the_operators_alone_to_withdraw(api: Api) -> None:
    account_id = make_account(api.database)
    made = api.change("inviteOperator", SHAPE, {"email": BOB}, viewer=OPERATOR)["invitation"]
    document = (
        "mutation Try($input: WithdrawInvitationInput!) { withdrawInvitation(input: $input) { errors { code } } }"
    )

    for viewer in (person(Role.ADMIN, account_id), program(account_id, Scope.ADMIN)):
        error = api.error(document, viewer=viewer, input={"invitationId": made["id"]})
        assert error["extensions"]["code"] == "FORBIDDEN"
        payload = api.change(
            "withdrawInvitation", "", {"accountId": acct(account_id), "invitationId": made["id"]}, viewer=viewer
        )
        assert [error["code"] for error in payload["errors"]] == ["NOT_FOUND"]
