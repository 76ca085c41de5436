"""Lists of users as others write them: columns by their names, countries by code or name, limits in any notation."""

from decimal import Decimal

import pytest

from credits.files.user_files import ReadUser, UserFile, read_users
from credits.refusals import Code, Refusal


def read(text: str, encoding: str = "utf-8") -> UserFile:
    """Read a file with a text."""
    return read_users("users.csv", text.encode(encoding), currency="USD")


def test_a_row_is_a_user_with_all_that_it_says() -> None:
    found = read(
        "Staff 2026\n"
        "User name,Name,Country code,Department,Monthly limit,Licences\n"
        'mia@contoso.example,Mia Chen,US,"Sales, east","1,250.50",MCOPSTN1 MCOPSTNPP\n'
    )

    assert found.bad == []
    assert found.users == [
        ReadUser(
            3, 'mia@contoso.example,Mia Chen,US,"Sales, east","1,250.50",MCOPSTN1 MCOPSTNPP', "Mia Chen",
            "mia@contoso.example", "US", "Sales, east", Decimal("1250.50"), ("MCOPSTN1", "MCOPSTNPP"),
        )
    ]  # fmt: skip


@pytest.mark.parametrize(
    "header",
    [
        "DisplayName,UserPrincipalName,UsageLocation",
        "Full name;E-mail;Country",
        "名前\tユーザー名\t国コード",
        "氏名,メールアドレス,国",
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "shift-jis"])
def test_columns_are_known_by_what_others_call_them(header: str, encoding: str) -> None:
    delimiter = next(sign for sign in "\t;," if sign in header)
    row = delimiter.join(("田中 愛子", "aiko", "JP"))

    (user,) = read(f"{header}\n{row}\n", encoding).users

    assert (user.name, user.user_name, user.country) == ("田中 愛子", "aiko", "JP")


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("de", "DE"),
        ("Germany", "DE"),
        ("germany", "DE"),
        ("ドイツ", "DE"),
        ("UK", "GB"),
        ("Puerto Rico", "PR"),
        ("Atlantis", "Atlantis"),
    ],
)
def test_a_country_is_known_by_its_code_or_its_name(written: str, code: str) -> None:
    (user,) = read(f"name,user name,country\nMia,mia,{written}\n").users

    assert user.country == code


@pytest.mark.parametrize(
    ("column", "limits"),
    [
        (("12,50", "1.250,00"), ["12.50", "1250.00"]),
        (("12.50", "1,250.00"), ["12.50", "1250.00"]),
        (("$20", ""), ["20", None]),
    ],
)
def test_limits_are_read_with_the_decimal_sign_of_their_column(
    column: tuple[str, str], limits: list[str | None]
) -> None:
    rows = "".join(f'U{place};u{place};US;"{limit}"\n' for place, limit in enumerate(column))

    found = read(f"name;user name;country;limit\n{rows}").users

    assert [None if user.monthly_limit is None else str(user.monthly_limit) for user in found] == limits


def test_a_row_that_cannot_be_a_user_spoils_no_other() -> None:
    found = read("name,user name,country,limit\nA,a,US,lots\nB,b,US,0.00000001\n# a comment,,,\nC,c,US,5\n")

    assert [user.user_name for user in found.users] == ["c"]
    assert [(bad.number, bad.text) for bad in found.bad] == [(2, "A,a,US,lots"), (3, "B,b,US,0.00000001")]


@pytest.mark.parametrize("sign", [" ", ";", ", ", " | ", "、", "+"])
def test_licences_stand_in_one_cell(sign: str) -> None:
    (user,) = read(f'name,user name,country,licenses\nMia,mia,US,"MCOPSTN1{sign}MCOPSTNPP"\n').users

    assert user.plan_codes == ("MCOPSTN1", "MCOPSTNPP")


def test_somebody_called_number_one_is_no_comment() -> None:
    found = read("name,user name,country\n# People\n#1,hall-1,US\n")

    assert [user.name for user in found.users] == ["#1"]


@pytest.mark.parametrize("content", ["", "Mia,mia,US\n", "name,country\nMia,US\n"])
def test_a_file_that_does_not_name_its_columns_is_refused(content: str) -> None:
    with pytest.raises(Refusal) as refused:
        read(content)

    assert (refused.value.code, refused.value.field) == (Code.INVALID, ("columns",))
