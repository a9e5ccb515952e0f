"""JavaScript's regular expressions, as this server's library has to be told them.

What JavaScript has for ASCII alone stays so (``\\w``, ``\\d``, ``\\b``); Unicode is asked for by ``\\p{…}``
and ``\\u{…}``, which are read as with JavaScript's flag "u".
"""

from functools import lru_cache

import regex

LONGEST_PATTERN = 10_000
MOST_WRITTEN_OUT = 100_000


@lru_cache(maxsize=512)
def compile_pattern(pattern: str) -> regex.Pattern[str]:
    """A JavaScript regular expression, compiled. Raises ``regex.error`` or ``ValueError``.

    As in JavaScript, ``\\w``, ``\\d`` and ``\\b`` know ASCII only, ``\\s`` all white space, ``.`` no line
    end, ``[^]`` is anything, ``$`` is the very end (Python's would also match before a last line break),
    a brace that is no quantifier is a brace (this library would take ``{e<=1}`` for "nearly"), and an escaped
    letter without a meaning is that letter.
    """
    if beyond := _BEYOND.match(pattern):
        raise ValueError(f"“{beyond['what'][:20]}” is no part of JavaScript’s regular expressions")
    if _written_out(pattern) > MOST_WRITTEN_OUT:
        raise ValueError("its counted repeats, one in the other, are too many")
    return regex.compile(_PARTS.sub(_as_python, pattern))


# What this library knows beyond JavaScript, and what a pattern could call itself with. (Names written as in
# Python and flags before a pattern are taken, as they are in files from elsewhere.)
_BEYOND = regex.compile(
    r"""(?:\\.|\[(?:\\.|[^\]\\])*+\]|[^\\\[(]|\((?!\?|\*)|\(\?(?:[:=!]|<[=!]|P?<\w++>|P=\w++\)
    |[aimsu]*+(?:-[ims]++)?[:)])|\[)*+(?P<what>\(\?[^)]{0,12}\)?|\(\*)""",
    regex.DOTALL | regex.VERBOSE,
)

_PIECES = regex.compile(
    r"\{(?P<least>\d+)(?:,\d*)?\}|(?P<open>\()|(?P<close>\))|\\.|\[(?:\\.|[^\]\\])*\]|.", regex.DOTALL
)


def _written_out(pattern: str) -> int:
    """How long the pattern is with its counted repeats written out, as this library keeps it: ``(a{9}){9}``
    is some 90, and a few more nines are all the memory there is."""
    sums, last = [0], 0
    for piece in _PIECES.finditer(pattern):
        if piece["least"]:
            more = last * (max(1, int(piece["least"])) - 1)
            sums[-1], last = sums[-1] + more, last + more
        elif piece["open"]:
            sums.append(1)
        elif piece["close"] and len(sums) > 1:
            last = sums.pop()
            sums[-1] += last
        else:
            sums[-1], last = sums[-1] + 1, 1
    return sum(sums)


# A reference to a named group, a property, a code point, another escape, a [class], a brace that is no
# quantifier, a dollar, or a dot (but for those that a flag before the pattern lets be anything).
_PARTS = regex.compile(
    r"\\k<(?P<name>\w+)>|\\(?P<number>[1-9]\d?)|(?P<property>\\[pP]\{[\w=]+\})|\\u\{(?P<point>[0-9A-Fa-f]{1,6})\}|(?P<escape>\\c[A-Za-z]|\\.)"
    r"|(?P<set>\[\^?(?:\\.|[^\]\\])*\])|\{(?!\d+(?:,\d*)?\})|[$.]",
    regex.DOTALL,
)
_SPACE = r"\t-\r \xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff"
_NO_SPACE = (
    r"\x00-\x08\x0e-\x1f!-\x9f\xa1-\u167f\u1681-\u1fff\u200b-\u2027\u202a-\u202e\u2030-\u205e\u2060-\u2fff"
    r"\u3001-\ufefe\uff00-\U0010ffff"
)
_WORD, _NO_WORD = "0-9A-Z_a-z", r"\x00-/:-@\[-\^`\x7b-\U0010ffff"
_RANGES = {
    r"\s": _SPACE, r"\S": _NO_SPACE, r"\w": _WORD, r"\W": _NO_WORD, r"\d": "0-9",
    r"\D": r"\x00-/:-\U0010ffff",
}  # fmt: skip
_AS_PYTHON = {
    "$": r"\Z", "{": r"\{", ".": r"[^\n\r\u2028\u2029]", "[]": "(?!)", "[^]": r"[\s\S]",
    r"\b": f"(?:(?<=[{_WORD}])(?![{_WORD}])|(?<![{_WORD}])(?=[{_WORD}]))",
    r"\B": f"(?:(?<=[{_WORD}])(?=[{_WORD}])|(?<![{_WORD}])(?![{_WORD}]))",
    **{escape: f"[{ranges}]" for escape, ranges in _RANGES.items()},
}  # fmt: skip
_MEANING = "bBcdDfknpPrsStuvwWx"  # letters that mean something when they are escaped
_DOT_IS_ALL = regex.compile(r"\(\?[aimu]*s")
_IN_SET = regex.compile(
    r"\\[pP]\{[\w=]+\}|\\u\{(?P<point>[0-9A-Fa-f]{1,6})\}|\\c[A-Za-z]|\\.|\[", regex.DOTALL
)


def _as_python(part: regex.Match[str]) -> str:
    if group := part["name"] or part["number"]:  # where it took no part, JavaScript finds it everywhere
        return rf"(?({group})\g<{group}>)"
    if part["point"]:
        return _code_point(part["point"])
    if part["set"] and part[0] not in _AS_PYTHON:
        start = 2 if part[0].startswith("[^") else 1
        return part[0][:start] + _IN_SET.sub(_in_set, part[0][start:-1]) + "]"
    if part["escape"] and part[0] not in _AS_PYTHON:
        return _escaped(part[0])
    leave = part[0] == "." and _DOT_IS_ALL.match(part.string)
    return part[0] if leave else _AS_PYTHON.get(part[0], part[0])


def _in_set(part: regex.Match[str]) -> str:
    if part["point"]:
        return _code_point(part["point"])
    if part[0] == "[":  # or this library would read [:alpha:]
        return r"\["
    return _RANGES.get(part[0], part[0] if "{" in part[0] else _escaped(part[0]))


def _escaped(escape: str) -> str:
    letter = escape[1]
    if letter == "c" and len(escape) == 3:
        return f"\\x{ord(escape[2]) % 32:02x}"
    return letter if letter.isascii() and letter.isalpha() and letter not in _MEANING else escape


def _code_point(digits: str) -> str:
    number = int(digits, 16)
    if number > 0x10FFFF:
        raise ValueError(f"there is no character {digits}")
    return f"\\U{number:08x}"
