"""Tags: short names in small letters, of any script."""

import unicodedata
from urllib.parse import urlencode

import regex
from django.core.exceptions import ValidationError
from django.db import models
from django.urls import reverse

from prompts_app.engine.invisible import hides_something

LONGEST_TAG = 40
MOST_TAGS = 10  # of one prompt

_LETTER = r"[\p{Ll}\p{Lm}\p{Lo}\p{M}\p{N}\u200c\u200d]"  # joiners are part of the spelling in some scripts
_TAG = regex.compile(rf"(?!\p{{M}}){_LETTER}+(?:[-+.#]{_LETTER}+)*[+#]*")
_NOT_OF_A_TAG = regex.compile(rf"(?:(?!{_LETTER}|[+.#])[\s\S])+")
_NOT_A_LETTER = regex.compile(rf"(?:(?!{_LETTER})[\s\S])+")


def is_tag(name: str) -> bool:
    return bool(_TAG.fullmatch(name)) and not hides_something(name)


def refuse_odd_tag(name: str) -> None:
    if not is_tag(name):
        raise ValidationError("Small letters of any script, digits and hyphens.", code="tag")


def as_tag(text: str) -> str:
    """The text as a tag is spelled: one form of each accent, small letters. It need not be one."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).strip().lower())


def tag_name(text: str) -> str:
    """``C++ Code`` → ``c++-code``; "" where no letter or digit is left, or too many."""
    plain = as_tag(text)
    word = _NOT_OF_A_TAG.sub("-", plain).strip("-.")
    if not is_tag(word):
        word = _NOT_A_LETTER.sub("-", plain).strip("-")
    return word if is_tag(word) and len(word) <= LONGEST_TAG else ""


class Tag(models.Model):
    name = models.CharField(max_length=LONGEST_TAG, unique=True, validators=[refuse_odd_tag])

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return f"{reverse('browse')}?{urlencode({'tag': self.name})}"
