"""Evidence levels in words."""

from prompts_app.models import Level

NOT_TESTED = "not tested"

SENTENCES = {
    Level.PASTED: "The author pasted this output.",
    Level.IMPORTED: "Imported from a results file; the file could have been edited.",
    Level.RECORDED: "This server made the call and recorded the answer.",
    Level.SEALED: "Recorded, signed and unchanged since.",
    Level.REPRODUCED: "Re-run by others, whoever they are. In preparation: no run carries it yet.",
}


def level_name(number: int | None) -> str:
    return Level(number).label if number in SENTENCES else NOT_TESTED


def lesser_level(number: int | None) -> str:
    """ "pasted" or "imported", to stand beside figures among recorded ones; "" for what was recorded."""
    return level_name(number) if number is not None and number < Level.RECORDED else ""


def level_sentence(number: int | None) -> str:
    """The honest sentence beside a level."""
    return SENTENCES[Level(number)] if number in SENTENCES else ""
