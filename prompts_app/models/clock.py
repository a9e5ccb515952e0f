"""The database's clock: the one that all workers share, however wrong their own may be."""

from datetime import timedelta

from django.db.models import Q
from django.db.models.expressions import Combinable
from django.db.models.functions import Now


def now_plus(seconds: float) -> Combinable:
    """For a column of a query or an update. SQLite's is exact to the millisecond, Postgres's to the
    microsecond; both compare with what Django stores."""
    return Now() + timedelta(seconds=seconds)


def lease_is_held(length_s: float) -> Q:
    """``lease_until`` is still to come. One further ahead than two lengths was written by a wrong clock, and
    holds nothing."""
    return Q(lease_until__range=(now_plus(0), now_plus(2 * length_s)))
