"""Where verdicts differ from promptfoo 0.123's, each on purpose. Shown at /assertions/; the conformance rows
name the one they are about, so that none stands here that is not so."""

from typing import Final

DIFFERENCES: Final[dict[str, str]] = {
    "unknown": (
        "What cannot be known is not judged, nor is its opposite, and counts for neither side: an unknown "
        "cost, latency, number of tokens or finish reason, tool calls without a list of tools, a regular "
        "expression that is still looking after a second, a JSON Schema that asks for too many checks of "
        "an output. There it is an error, a failure, or with “not-” a pass."
    ),
    "without-spaces": (
        "Words that no space divides (in Chinese, Japanese, Thai, Lao, Khmer, Burmese, Tibetan) are not "
        "counted as one: word-count judges where any division gives the same verdict; bleu, gleu, rouge-n "
        "and meteor do not judge, unless the texts are the same."
    ),
    "nothing-counts": ("A case of which nothing counts is not judged. There it passes."),
    "ill-written": (
        "An assertion that is itself ill-written (an invalid pattern or schema, an empty text or list, an "
        "option that does not exist, a threshold out of range) judges nothing, and is told when it is "
        "written or imported. There it passes or fails by chance, or is an error."
    ),
    "opposites": (
        "“not-” is the opposite of every kind, score included. There is-valid-openai-tools-call, "
        "is-valid-function-call and factuality ignore it, tool-call-f1 keeps its score, and a similarity "
        "that just reaches its threshold passes both forms."
    ),
    "numbers": ("A number is taken as its text wherever a text is wanted."),
    "unicode-patterns": (
        "\\p{…} and \\u{…} in a regular expression are read by Unicode. There they are the letters p and u. "
        "\\w, \\d and \\b know ASCII only, in both."
    ),
    "strict-json": ("contains-json wants JSON. There, JavaScript’s and YAML’s notations pass, too."),
    "refusal-words": (
        "is-refusal goes by whole phrases, in some languages besides English. There a text that begins with "
        "“Sorry” or says “not legal” refuses."
    ),
    "empty-outputs": (
        "An empty output refuses with a score of 1 (there 0), and has a meteor of 0 (there an error)."
    ),
    "repeated-elements": ("is-xml finds required elements among repeated ones, too."),
    "synonyms": (
        "meteor takes the same words and the same stems for matches. There WordNet’s synonyms match, too."
    ),
    "sql-parser": (
        "is-sql goes by another parser and by what the databases’ manuals say: an alias may stand without "
        "AS; backticks are MySQL’s; LIMIT, ::, FULL JOIN and others pass only where the database has them."
    ),
    "sql-names": (
        "An entry of allowedTables or allowedColumns may be a name alone, and a name that WITH defines is "
        "no table."
    ),
    "sql-written": ("The column that UPDATE … SET writes is not one that is read."),
    "fetched": ("A JSON Schema fetches nothing: a $ref to another address is a mistake in the assertion."),
    "judges": (
        "A judge that says neither pass nor fail, or a score out of range, is an error of the judge, never "
        "a grade. The words to the judge are our own."
    ),
    "steps": (
        "A case’s calls of tools that were answered with canned results count as calls of its output: "
        "tool-call-f1 and is-valid-openai-tools-call look at all of them, there at the output’s alone. "
        "The trajectory kinds look at them as steps; there at what was traced, which has other steps, too."
    ),
    "trajectory-commands": (
        "A tool named shell, local_shell or exec_command is a tool as any other. There it is a command."
    ),
    "recall": ("rouge-n with config {measure: recall} is reckoned by recall alone, as this site once did."),
}
NOT_IN_ROWS: Final = frozenset({"fetched", "judges", "recall"})
"""Those that no row of assertion and output can show."""
