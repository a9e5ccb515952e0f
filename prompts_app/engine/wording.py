"""Numbers in sentences."""


def how_many(count: int, noun: str) -> str:
    """ "1 case", "1,200 cases"."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
