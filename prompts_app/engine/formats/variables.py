"""Placeholders of other tools, offered as ``{{variables}}``.

Found are ``${name}`` and ``${name:default}`` (prompts.chat), ``[NAME]`` in capitals, and ``{name}``. They are
offers: a person, or an option, decides. Code is full of the same signs, so what stands in code, JSON, CSS,
LaTeX, regular expressions, links and checkboxes is left out as far as one line can tell.
"""

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

from prompts_app.engine.formats.types import ImportedPrompt
from prompts_app.engine.names import Rename, renamed_case, renamed_prompt, renamed_text, renames_in
from prompts_app.engine.types import Message, PromptContent, Variable

Style = Literal["dollar", "brackets", "braces", "names"]
STYLES: dict[Style, str] = {
    "dollar": "${name}", "brackets": "[NAME]", "braces": "{name}",
    "names": "{{odd-name}}",  # see engine.names: another name, in any format and in the cases too
}  # fmt: skip

# Each begins with its sign and looks at what stands before it afterwards: so it is found fast.
_PATTERNS: dict[Style, re.Pattern[str]] = {
    # A name of words, then perhaps a default; not a shell's ${name:-x}, nor inside other braces.
    "dollar": re.compile(
        r"\$\{(?<![$\\{]\$\{)[ \t]{0,4}([^\W\d][\w '’/-]{0,60})(?::(?![-=+?])([^{}\n]*))?\}"
    ),
    # Words in capitals; not a link, an image, an index, or a regular expression's class.
    "brackets": re.compile(r"\[(?<![A-Za-z0-9_\[\]!\\$@#]\[)([^\W\d_][\w -]{1,60})\](?![\[\]({+])"),
    # One identifier; not after a sign that makes it something else in some language.
    "braces": re.compile(r"\{(?<![A-Za-z0-9$#@%\\{^]\{)([^\W\d]\w{0,60})\}(?!\})"),
}

# In capitals and brackets, but labels, marks and models' own tokens rather than something to fill in.
_LABELS = frozenset(
    """ASSISTANT BOS BUG CDATA CLS CRITICAL DEBUG DEPRECATED DONE EOS ERROR FAIL FAILED FATAL FIXME HIGH
    IMPORTANT INFO INST LOW MASK MEDIUM NOTE OK OPTIONAL PAD PASS PASSED REDACTED REQUIRED SEP SIC SYS SYSTEM
    TBC TBD TIP TODO TRACE UNK WARN WARNING WIP""".split()
)
_DEFINES_LINK = re.compile(r"[ ]{0,3}\[[^\]\n]{1,80}\]:[ \t]*\S")
_SUBSCRIPT = re.compile(r"(?:^|[^A-Za-z])[A-Za-z]_")  # the i of x_{i}

_TEXT_FENCES = {"", "text", "txt", "md", "markdown", "prompt", "plain", "plaintext"}
_FENCE = re.compile(r"[ \t>]{0,20}(`{3,}|~{3,})[ \t]{0,4}([\w+#.-]{0,30})")

# Repeats are bounded throughout, so that no line, however long and odd, takes more than linear time. A
# pattern is tried only on a line that has one of its signs, which is a hundred times as fast.
_OTHER_MEANING: tuple[tuple[tuple[str, ...], re.Pattern[str]], ...] = (
    (("`",), re.compile(r"(?<!`)(`{1,3})(?!`)[^`]{0,200}\1")),  # inline code
    (("://",), re.compile(r"\b[A-Za-z][A-Za-z0-9+.-]{0,20}://\S{1,500}")),  # addresses
    (  # LaTeX commands
        ("\\",),
        re.compile(r"\\[A-Za-z]{1,30}[_^]?(?:\[[^\]\n]{0,60}\])?(?:\{[^{}\n]{0,200}\}){1,6}"),
    ),
    (  # LaTeX formulas
        ("$$", "\\"),
        re.compile(r"\$\$[^$\n]{1,500}\$\$|\\\(.{0,300}?\\\)|\\\[.{0,300}?\\\]"),
    ),
    (("={",), re.compile(r"<[A-Za-z][^<>\n]{0,200}=\{\w{1,60}\}")),  # JSX attributes
)
_CODE: tuple[tuple[tuple[str, ...], re.Pattern[str]], ...] = (
    # Python's own placeholders
    (("f'", 'f"', "fr'", 'fr"'), re.compile(r"""\b(?:f|rf|fr)["']""")),
    (("def ", "fn ", "func ", "function "), re.compile(r"\b(?:def|fn|func|function) \w{1,60}\(")),
    (("class ",), re.compile(r"\bclass \w{1,60}[({:]")),
    (("=>",), re.compile(r"=> *[{(\w]")),
    (
        ("==", "!=", "&&", "+=", ":="),
        re.compile(r"""[\w)\]"']\s?(?:===?|!==?|&&|\+=|:=)\s?[\w("'`$]"""),
    ),
)
_CODE_AT_THE_BEGINNING = re.compile(
    r"""\s{0,60}(?:import[ ][\w{*"']|from[ ]\S{1,100}[ ]import\b)
    | \s{0,60}(?:const|let|var)[ ][\w{\[,\s]{1,100}.{0,30}=
    | \s{0,60}(?:return[ ]["'`f({<\[]|return[ ]\w{1,60}[(;.]|raise[ ]\w{1,60}\(|print\(|echo[ ]["$])
    | \s{0,60}(?:elif[ ].{1,200}:\s{0,9}$|export[ ](?:const|default|function|class)\b)
    | \s{0,60}async[ ](?:def|function)\b
    """,
    re.VERBOSE,
)
_CODE_AT_THE_END = re.compile(r"\w\([^()]{0,200}\)\s{0,9}[;{]\s{0,9}$")
_METHOD, _CODE_WITH_METHODS = re.compile(r"\.\w{1,60}\("), re.compile(r"\b\w{1,60}\.\w{1,60}\(.{0,200}[{`]")


@dataclass(frozen=True, slots=True)
class Offer:
    """``found`` as it stands in the text, and the variable it would become."""

    found: str
    name: str
    default: str
    style: Style


def offered(text: str) -> tuple[Offer, ...]:
    """Each placeholder of the text once, in the order of first mention."""
    return tuple({offer.found: offer for _, offer in _found(text)}.values())


def apply(text: str, offers: Collection[Offer]) -> str:
    """The text with these offers as ``{{variables}}``; doing it twice changes nothing more."""
    wanted = {offer.found: offer for offer in offers}
    pieces: list[str] = []
    end = 0
    for start, offer in _found(text):
        if offer.found in wanted:
            pieces += [text[end:start], "{{", wanted[offer.found].name, "}}"]
            end = start + len(offer.found)
    return "".join([*pieces, text[end:]])


def in_prompt(prompt: PromptContent) -> tuple[Offer, ...]:
    """The offers of all its messages. One name with two defaults becomes two variables: neither is lost."""
    offers = {offer.found: offer for message in prompt.messages for offer in offered(message.content)}
    return tuple(_apart(list(offers.values())))


def convert(prompt: PromptContent, styles: Collection[Style]) -> PromptContent:
    """The prompt with the placeholders of these styles as variables, their defaults included."""
    offers = [offer for offer in in_prompt(prompt) if offer.style in styles]
    if not offers:
        return prompt
    known = {variable.name: variable for variable in prompt.variables}
    for offer in offers:
        before = known.get(offer.name, Variable(offer.name))
        known[offer.name] = replace(before, default=before.default or offer.default)
    messages = tuple(Message(m.role, apply(m.content, offers)) for m in prompt.messages)
    return replace(prompt, messages=messages, variables=tuple(known.values()))


def _apart(offers: list[Offer]) -> Iterator[Offer]:
    defaults: dict[str, str] = {}
    for offer in offers:
        if offer.default:
            defaults.setdefault(offer.name, offer.default)
    taken = {offer.name for offer in offers}
    renamed: dict[tuple[str, str], str] = {}
    for offer in offers:
        if not offer.default or defaults[offer.name] == offer.default:
            yield offer
            continue
        key = (offer.name, offer.default)
        if key not in renamed:
            renamed[key] = next(n for i in range(2, 10_000) if (n := f"{offer.name}_{i}") not in taken)
            taken.add(renamed[key])
        yield replace(offer, name=renamed[key])


@lru_cache(maxsize=64)  # asked for what is offered, for the offers of a prompt, and to put them in
def _found(text: str) -> list[tuple[int, Offer]]:
    """Every placeholder with its place, in order; the styles' signs differ, so none overlap."""
    return [hit for start, line in _lines_of_prose(text) for hit in _in_line(line, start)]


def _lines_of_prose(text: str) -> Iterator[tuple[int, str]]:
    """Lines with their offsets, without those inside fences that name a programming language."""
    start, fence, is_code = 0, "", False
    for line in text.split("\n"):
        mark = _FENCE.match(line)
        if mark and not fence:
            fence, is_code = mark[1], mark[2].lower() not in _TEXT_FENCES
        elif mark and mark[1].startswith(fence):
            fence, is_code = "", False
        elif not is_code and ("{" in line or "[" in line) and not _is_code(line):
            yield start, line
        start += len(line) + 1


def _is_code(line: str) -> bool:
    return bool(
        _CODE_AT_THE_BEGINNING.match(line)
        or any(pattern.search(line) for pattern in _tried_on(line, _CODE))
        or (line.rstrip()[-1:] in {";", "{"} and _CODE_AT_THE_END.search(line))
        or (_METHOD.search(line) and _CODE_WITH_METHODS.search(line))
    )


def _tried_on(
    line: str, patterns: Iterable[tuple[tuple[str, ...], re.Pattern[str]]]
) -> Iterator[re.Pattern[str]]:
    return (pattern for signs, pattern in patterns if any(sign in line for sign in signs))


def _in_line(line: str, offset: int) -> list[tuple[int, Offer]]:
    elsewhere = [
        match.span() for pattern in _tried_on(line, _OTHER_MEANING) for match in pattern.finditer(line)
    ]
    hits: list[tuple[int, Offer]] = []
    for style, pattern in _PATTERNS.items():
        for match in pattern.finditer(line):
            # ${name} is hardly ever meant otherwise, so it counts in inline code and addresses too.
            free = style == "dollar" or not any(a <= match.start() < b for a, b in elsewhere)
            offer = _offer(style, match, line) if free else None
            if offer:
                hits.append((offset + match.start(), offer))
    return sorted(hits, key=lambda hit: hit[0])


def _offer(style: Style, match: re.Match[str], line: str) -> Offer | None:
    if style == "brackets" and not _is_blank_to_fill(match[1], line):
        return None
    if style == "braces" and _SUBSCRIPT.search(line[max(0, match.start() - 3) : match.start()]):
        return None
    name = "_".join(re.findall(r"\w+", match[1])).strip("_")
    if not name or name[0].isdigit():
        return None
    default = (match[2] or "").strip() if style == "dollar" else ""
    return Offer(match[0], name.lower() if style == "brackets" else name, default, style)


def _is_blank_to_fill(inside: str, line: str) -> bool:
    """Words in capitals; no label, date mask, range of characters or definition of a link."""
    if not inside.isupper() or inside in _LABELS or not re.search(r"[^\W\d_]{2}", inside):
        return False
    is_date = set(inside) <= set("YMDHS -") and any(unit in inside for unit in ("YY", "MM", "DD", "HH"))
    is_range = re.search(r"A-[FZ]|0-9", inside)
    return not (is_date or is_range or _DEFINES_LINK.match(line))


# --- odd names in double braces -----------------------------------------------------------------------------


def odd_names(imported: ImportedPrompt) -> tuple[Rename, ...]:
    """An offer for each odd name in its versions and cases."""
    messages = [message for version in imported.versions for message in version.prompt.messages]
    messages += [Message("user", turn) for case in imported.cases for turn in (*case.turns, case.system)]
    return renames_in(messages, {name for case in imported.cases for name in case.variables})


def renamed(imported: ImportedPrompt) -> ImportedPrompt:
    """With another for each odd name, wherever it stands: in versions, cases and runs."""
    names = {offer.name: offer.becomes for offer in odd_names(imported)}
    if not names:
        return imported
    # A run's suite holds the very cases of the prompt; it does so afterwards.
    cases = {id(case): renamed_case(case, names) for case in imported.cases}
    return replace(
        imported,
        title=renamed_text(imported.title, names),  # it may be the text's first line
        versions=tuple(
            replace(version, prompt=renamed_prompt(version.prompt, names)) for version in imported.versions
        ),
        cases=tuple(cases[id(case)] for case in imported.cases),
        runs=tuple(
            replace(run, suite=tuple(cases.get(id(case)) or renamed_case(case, names) for case in run.suite))
            for run in imported.runs
        ),
    )
