"""Looking for what belongs to a person: e-mail addresses, phone numbers, IBANs, card numbers.

Whether a number is one is decided by the libraries that know the numbering plans and check digits; the
patterns here only pick what is worth asking about. Every pattern takes a bounded stretch, so that the work
grows with the text's length and not faster. They read the text ``as_typed``.
"""

import re
import unicodedata
from collections.abc import Iterator
from itertools import islice

from stdnum import iban, luhn

EMAIL, PHONE, IBAN, CARD = "e-mail address", "phone number", "IBAN", "card number"
PERSONAL = frozenset({EMAIL, PHONE, IBAN, CARD})
MOST_ASKED = 2_000  # numbers of one text that are looked up

_SPACES = (0xA0, *range(0x2000, 0x200B), 0x202F, 0x205F, 0x3000)
_DASHES = (0xAD, *range(0x2010, 0x2014), 0x2212)
_WIDE = range(0xFF01, 0xFF5F)  # "＋４９"
_PLAIN = dict.fromkeys(_SPACES, " ") | dict.fromkeys(_DASHES, "-") | {wide: wide - 0xFEE0 for wide in _WIDE}


def as_typed(text: str) -> str:
    """With the digits, spaces, dashes and full-width letters of other keyboards as those of a plain one."""
    if text.isascii():
        return text
    return re.sub(r"[^\D0-9]", lambda digit: str(unicodedata.decimal(digit[0])), text.translate(_PLAIN))


_ADDRESS = re.compile(r"[A-Za-z0-9\u00c0-\u024f._%+-]{1,64}@(?:[\w-]{1,63}\.){1,8}[^\W\d_]{2,24}(?![\w-])")
_MEANT_AS_EXAMPLES = re.compile(
    r"(?:^|[@.])(?:example\.(?:com|org|net|edu)|[\w-]+\.(?:example|test|invalid|localhost))$", re.IGNORECASE
)
_IN_AN_ADDRESS = re.compile(r"://[^\s/]*$")  # user:password@host


def addresses(text: str) -> Iterator[str]:
    """E-mail addresses in small letters, but for those that documentation uses."""
    for match in _ADDRESS.finditer(text):
        address = match[0].lstrip(".").lower()
        before = text[max(0, match.start() - 200) : match.start()]
        if not _MEANT_AS_EXAMPLES.search(address) and not _IN_AN_ADDRESS.search(before):
            yield address


# --- phone numbers ----------------------------------------------------------------------------------------

_DIALLED = re.compile(r"(?<![\w.,+])(?<!\w-)(?:\+ ?)?\(?\d(?:[ ()./-]{0,3}\d){6,14}(?!\w|[.,]\d|-\w)")
# Without a country code a number is a phone number where the text says so, or where it is written like one.
_CALLED_SO = re.compile(
    r"(?:tel|phone|fon|mobile?|móvil|cell|call|fax|whatsapp|ruf|portable|sms|contact|my number|тел|电话|電話"
    r"|☎|📞|📱)\W*(?:\w{1,12}\W+){0,2}\Z",
    re.IGNORECASE,
)
_WRITTEN_SO = re.compile(
    r"(?:[178][ -]?)?\(0?\d{2,5}\)[ -]?\d|0\d{1,4}[ /-]\d|(?:1([-.]))?\d{3}([-.])\d{3}\2\d{4}\Z"
)
_DATE = re.compile(r"(?:\d\d?([-./])\d\d?\1(?:19|20)\d\d|(?:19|20)\d\d([-./])\d\d?\2\d\d?)(?!\d)")
_BEFORE = 40  # characters that may say so
_REGIONS = ("US", "GB", "DE", "FR", "ES", "IT", "NL", "PL", "IN", "AU", "BR", "JP", "CN", "RU")
_NO_DIGIT = re.compile(r"\D")
_COUNTED = "123456789"  # nobody's, wherever it is given as one
_STANDS_FOR_NONE = re.compile(r"\D555\D?01\d\d\Z")  # North America's numbers for films and examples


def phone_numbers(text: str) -> Iterator[str]:
    """As they are written, those of documentation left out."""
    for match in islice(_DIALLED.finditer(text), MOST_ASKED):
        if _is_phone(match[0], text[max(0, match.start() - _BEFORE) : match.start()]):
            yield match[0]


def _is_phone(number: str, before: str) -> bool:
    if _STANDS_FOR_NONE.search(f" {number}") or _COUNTED in _NO_DIGIT.sub("", number) or _DATE.match(number):
        return False
    if number.startswith("+"):
        return _is_valid(number, None)
    if not _CALLED_SO.search(before) and not _WRITTEN_SO.match(number):
        return False
    return any(_is_valid(number, region) for region in _REGIONS)


def _is_valid(number: str, region: str | None) -> bool:
    import phonenumbers  # takes 0.2 s, and most texts have no number

    try:
        return phonenumbers.is_valid_number(phonenumbers.parse(number, region))
    except phonenumbers.NumberParseException:
        return False


# --- accounts and cards -----------------------------------------------------------------------------------

_ACCOUNT = re.compile(r"(?<![A-Za-z0-9])(?:IBAN)?([A-Za-z]{2}[0-9]{2}[A-Za-z0-9 .-]{11,42})")
_SHORTEST_IBAN, _LONGEST_IBAN = 15, 34
_GAPS = re.compile(r"[ .-]")


def ibans(text: str) -> Iterator[str]:
    """Without spaces, in capitals."""
    for match in islice(_ACCOUNT.finditer(text), MOST_ASKED):
        if found := _iban_at_the_start(match[1]):
            yield found


def _iban_at_the_start(stretch: str) -> str:
    """Words may follow it; each end of a word is tried."""
    for end in _ends_of_words(stretch):
        compact = _GAPS.sub("", stretch[:end]).upper()
        if _SHORTEST_IBAN <= len(compact) <= _LONGEST_IBAN and iban.is_valid(compact, check_country=False):
            return compact
    return ""


def _ends_of_words(stretch: str) -> list[int]:
    return [match.end() for match in re.finditer(r"[A-Za-z0-9]+", stretch)]


# Written in one, or in the groups that are printed on cards: a row of other numbers is none.
_CARD = re.compile(
    r"(?<![\w.,-])[2-6](?:\d{12,18}"
    r"|\d{3}([ ._/-]{1,2})(?:\d{4}\1\d{4}(?:\1\d{1,4}){1,2}|\d{6}\1\d{4,5}))(?!\w|[.,-]\d)"
)
# How the numbers of the large card networks begin; a long number of another beginning is something else.
_NETWORK = re.compile(
    r"4|5[1-5]|2(?:22[1-9]|2[3-9]|[3-6]|7[01]|720)|3(?:[47]|0[0-5]|[689]|5(?:2[89]|[3-8]))|6(?:011|[245]|4[4-9])"
)


def card_numbers(text: str) -> Iterator[str]:
    """Digits alone."""
    for match in islice(_CARD.finditer(text), MOST_ASKED):
        digits = _NO_DIGIT.sub("", match[0])
        if _NETWORK.match(digits) and luhn.is_valid(digits):
            yield digits
