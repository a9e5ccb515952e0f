"""The table of all work fits a desk's screen, whatever stands in it: a column cut off is a figure lost."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page

from prompts_app.models import Level, Listing
from prompts_app.tests.people import alice
from prompts_app.tests.views.recorded import recorded_prompt

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.slow
def test_no_column_is_cut_off(new_page: Callable[..., Page], live_server: Any) -> None:
    """Sums of four digits, a year between the first test and the last, and the longest name of a level."""
    old, *_, imported = (
        recorded_prompt(owner=alice(), title=f"Number {n} of several", task="classification", model="gemma-3")
        for n in range(3)
    )
    Listing.objects.update(passed=2_188, cases=3_550, latency_ms=1_900)
    Listing.objects.filter(pk=old.pk).update(tested_at="2025-03-24T00:00Z")
    Listing.objects.filter(pk=imported.pk).update(level=Level.IMPORTED)
    page = new_page(viewport={"width": 1280, "height": 800})
    page.goto(f"{live_server.url}/@{alice().handle}/")
    table = page.locator("#all .scroll")
    for said in ("4376/7100", "24 Mar 2025 to", "imported"):
        assert said in table.inner_text()
    assert table.evaluate("e => e.scrollWidth - e.clientWidth") <= 0
