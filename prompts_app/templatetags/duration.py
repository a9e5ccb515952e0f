"""How long something took, in words."""

from django import template

register = template.Library()


@register.filter
def duration(seconds: float | None) -> str:
    """ "8 s", "3 min 20 s", "2 h 5 min"; "unknown" for None."""
    if seconds is None:
        return "unknown"
    minutes, left = divmod(round(seconds), 60)
    if not minutes:
        return f"{left} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {left} s"
