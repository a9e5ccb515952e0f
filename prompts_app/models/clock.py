"""The database's clock: the one that all workers share, however wrong their own may be."""

from datetime import timedelta

from django.db.models.expressions import Combinable
from django.db.models.functions import Now


def now_plus(seconds: float) -> Combinable:
    """For a column of a query or an update. SQLite's is exact to the millisecond, Postgres's to the
    microsecond; both compare with what Django stores."""
    return Now() + timedelta(seconds=seconds)
