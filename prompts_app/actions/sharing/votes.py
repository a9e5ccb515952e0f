"""Blind votes: one a visitor and pair. Opinion, not evidence: no figure, order or card ever reads them.

Who chose is stored as two keyed hashes, made anew for each pair, so that the votes of one visitor on two
pairs have nothing in common. ``voter`` is of the account, else of a random number in the browser's cookie.
``place`` is of the network a signed-out visitor came from, cut to 20 bits: a second vote from there meets
it, but some four thousand IPv4 addresses have the same one, so that not even who holds the site's key can
tell which it was. See docs/adr/0013.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db import IntegrityError, transaction
from django.db.models import Count, QuerySet
from django.utils.crypto import salted_hmac

from prompts_app.engine.errors import Refused
from prompts_app.models import BlindChoice, BlindVote, Run
from prompts_app.models.votes import Pair

VOTER_LENGTH, PLACE_LENGTH = 32, 5  # hexadecimal digits


@dataclass(frozen=True, slots=True)
class Visitor:
    """``account`` is a user's key, None signed out; ``cookie`` what the browser was given, "" before."""

    account: int | None
    cookie: str
    network: str

    @property
    def is_known(self) -> bool:
        return self.account is not None or bool(self.cookie)

    def voter(self, pair: Pair) -> str:
        """Of one pair only; "" for a browser that never voted."""
        if not self.is_known:
            return ""
        who = f"cookie:{self.cookie}" if self.account is None else f"account:{self.account}"
        return _hash("blind-voter", pair, who)[:VOTER_LENGTH]

    def place(self, pair: Pair) -> str:
        """ "" for who is signed in: an account is enough."""
        return "" if self.account is not None else _hash("blind-place", pair, self.network)[:PLACE_LENGTH]


def _hash(kind: str, pair: Pair, text: str) -> str:
    return salted_hmac(kind, f"{pair.one}:{pair.other}:{text}", algorithm="sha256").hexdigest()


@dataclass(frozen=True, slots=True)
class Tally:
    one: int
    other: int
    neither: int

    @property
    def n(self) -> int:
        return self.one + self.other + self.neither


def cast_vote(pair: Pair, visitor: Visitor, choice: BlindChoice) -> bool:
    """Whether it counts: a second vote of the same visitor changes nothing. Raises Refused.

    The database decides, not a look beforehand: of two votes at the same moment one is kept.
    """
    voter, place = visitor.voter(pair), visitor.place(pair)
    assert voter, "who votes has an account or was given a cookie"
    try:
        with transaction.atomic():
            BlindVote.objects.create(
                one_id=pair.one, other_id=pair.other, choice=choice, voter=voter, place=place
            )
    except IntegrityError:
        if BlindVote.objects.filter(one=pair.one, other=pair.other, voter=voter).exists():
            return False
        raise Refused("voted_from_here", "Somebody voted on this pair from your network.") from None
    return True


def choices_of(visitor: Visitor, pairs: Iterable[Pair]) -> dict[Pair, BlindChoice]:
    """Pair → what this visitor chose, for those they chose in. One query, none for a new browser."""
    if not visitor.is_known:
        return {}
    voters = {visitor.voter(pair): pair for pair in pairs}
    ones = {pair.one for pair in voters.values()}
    found = BlindVote.objects.filter(one__in=ones, voter__in=voters).values_list("voter", "choice")
    return {voters[voter]: BlindChoice(choice) for voter, choice in found}


def tally_of(pair: Pair) -> Tally:
    return _tally(BlindVote.objects.filter(one=pair.one, other=pair.other))


def tally_of_runs(one: Run, other: Run) -> Tally:
    """Over every pair of these two runs."""
    return _tally(BlindVote.objects.filter(one__run=one, other__run=other))


def _tally(votes: QuerySet[BlindVote]) -> Tally:
    counts = dict(votes.order_by().values_list("choice").annotate(Count("pk")))
    return Tally(*(counts.get(choice, 0) for choice in BlindChoice))
