"""Plans: what licences are for, and the countries that conference minutes reach. Reference data, of no account."""

from sqlalchemy import CheckConstraint, UniqueConstraint
from sqlmodel import Field, SQLModel

from db.columns import big, one_of, words
from db.kinds import PlanKind


class Plan(SQLModel, table=True):
    """A plan of the catalogue, with its minutes a month.

    `domestic_by_country` is a JSON object: where the domestic minutes are others than usual. Unless `pooled`, each
    user has minutes of their own.
    """

    __tablename__ = "plan"
    __table_args__ = (
        UniqueConstraint("code"),
        one_of("kind", PlanKind),
        CheckConstraint("domestic_minutes >= 0", name="domestic_not_negative"),
        CheckConstraint("international_minutes >= 0", name="international_not_negative"),
        CheckConstraint("conference_minutes >= 0", name="conference_not_negative"),
    )

    plan_id: int = big(primary_key=True, sa_column_kwargs={"autoincrement": False})
    code: str = words()
    name: str = words()
    kind: str = words()
    domestic_minutes: int = big(default=0)
    domestic_by_country: str = words(default="{}")
    international_minutes: int = big(default=0)
    conference_minutes: int = big(default=0)
    pooled: bool = Field(default=True)


class ZoneCountry(SQLModel, table=True):
    """A country of Zone A, which conference minutes reach; ISO 3166-1 alpha-2."""

    __tablename__ = "zone_country"

    country: str = words(primary_key=True)
