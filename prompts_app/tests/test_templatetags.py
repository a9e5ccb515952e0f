"""Drawings and figures from values, and strangers' text made safe."""

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from html import unescape
from html.parser import HTMLParser
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from django.template import Context, Template
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st

from prompts_app.engine.invisible import _BLANK, shown_plainly
from prompts_app.engine.stats import wilson
from prompts_app.evidence import number_format as written
from prompts_app.evidence.levels import SENTENCES, level_name
from prompts_app.evidence.number_format import interval
from prompts_app.evidence.summary import to_json
from prompts_app.models import Level, Prompt
from prompts_app.templatetags import evidence_tags as sheet
from prompts_app.templatetags import text
from prompts_app.tests.evidence.summaries import a_summary, a_version

FRAMES = st.text(alphabet="pfewu", min_size=1, max_size=120)
EVERY_TEXT = st.text(alphabet=st.characters(exclude_categories=[]), max_size=300)
MARKUP = st.text(alphabet="<>&\"'/=abscript: \n*_[](){}!`#|-\u202e\x00", max_size=200)


def strip_tags(html: str) -> str:
    return unescape(re.sub(r"<[^>]*>", "", html))


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


def tags_of(html: str) -> list[tuple[str, dict[str, str | None]]]:
    reader = _Reader()
    reader.feed(html)
    return reader.tags


class TestStrip:
    def test_draws_what_the_mock_draws(self) -> None:
        frames = "p" * 16 + "f" + "p" * 8
        assert sheet.strip(frames).startswith(
            '<svg class="strip" width="322" height="22" viewBox="0 0 322 22" role="img" '
            'aria-label="24 of 25 cases pass; failed: case 17"><path class="perf" d="M0 1.5h322M0 20.5h322"/>'
        )
        assert '<path class="fail" d="M208.5 6.5h9v9h-9z"/>' in sheet.strip(frames)
        assert '<path class="cross" d="M207 5L219 17.25M218.75 4.75L207.25 17"/></svg>' in sheet.strip(frames)

    def test_at_most_twenty_five_a_row_and_rows_as_even_as_can_be(self) -> None:
        html = sheet.strip("p" * 28)
        assert 'width="179" height="49"' in html
        assert 'd="M0 28.5h179M0 47.5h179"' in html
        assert 'd="M0 28.5h166M0 47.5h166"' in sheet.strip("p" * 27)  # 14 and 13

    @given(FRAMES)
    def test_is_well_formed_with_one_figure_a_frame(self, frames: str) -> None:
        svg = ET.fromstring(sheet.strip(frames))
        drawn = {path.get("class"): path.get("d", "").count("z") for path in svg}
        assert drawn.get("pass", 0) == frames.count("p")
        assert drawn.get("fail", 0) == frames.count("f")
        assert drawn.get("error", 0) == frames.count("e")

    @given(FRAMES)
    def test_its_sentence_counts_what_is_there(self, frames: str) -> None:
        sentence = sheet.strip_sentence(frames)
        passed, failed = frames.count("p"), frames.count("f")
        is_rated = bool(passed or failed or "u" not in frames)
        assert sentence.startswith(f"{passed} of {passed + failed} cases pass") == is_rated
        assert ("failed" in sentence) == bool(failed)
        assert ("no answer" in sentence) == ("e" in frames)

    def test_a_key_names_what_the_strips_of_a_list_draw(self) -> None:
        prompts = [Prompt(evidence=to_json(a_summary(frames=frames))) for frames in ("pfp", "pe")]
        prompts.append(Prompt(evidence={}))
        assert [sheet.draws(prompts, state) for state in "pfeu"] == [True, True, True, False]
        assert not sheet.draws([], "e")

    def test_many_failures_are_counted_not_listed(self) -> None:
        assert sheet.strip_sentence("p" * 9 + "f" * 16) == "9 of 25 cases pass; 16 failed"

    def test_an_empty_one_and_a_cut_one(self) -> None:
        assert 'aria-label="Nothing yet"' in sheet.strip("", "Nothing yet")
        cut = sheet.strip("p" * 300, "", 100)
        assert "300 of 300 cases pass" in cut
        assert cut.count("h10v10") == 100

    def test_an_unknown_letter_is_waiting_not_an_error(self) -> None:
        assert 'class="none"' in sheet.strip("p?<")

    def test_a_label_is_escaped(self) -> None:
        assert '"><script>' not in sheet.strip("p", '"><script>')


class TestFigures:
    @given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
    def test_the_whisker_spans_the_interval(self, counts: tuple[int, int]) -> None:
        low, high = wilson(*counts)
        span = re.search(r'class="range" d="M([\d.]+) [\d.]+H([\d.]+)"', sheet.whisker(*counts, 200))
        assert span
        assert (float(span[1]), float(span[2])) == pytest.approx((low * 200, high * 200), abs=0.06)

    def test_no_cases_no_whisker(self) -> None:
        assert sheet.whisker(0, 0) == ""

    @pytest.mark.parametrize(
        ("counts", "said"),
        [
            ((24, 25), "80–99%"),
            ((10, 10), "72–100%"),
            ((0, 5), "0–43%"),
            ((299, 300), "98–99%"),
            ((0, 0), "unknown"),
        ],
    )
    def test_interval(self, counts: tuple[int, int], said: str) -> None:
        assert interval(*counts) == said

    def test_a_rate_stands_with_its_interval(self) -> None:
        assert sheet.rate(24, 25) == '<b class="kn">24/25</b> <span class="range">80–99%</span>'

    def test_levels_are_those_of_the_model(self) -> None:
        assert [level.label for level in Level] == [level_name(number) for number in Level.values]
        assert list(SENTENCES) == list(Level)
        for level in Level:
            assert sheet.level(level).count('class="on"') == level
            assert sheet.level(level).endswith(f"</svg>{level.label}</span>")
        assert "not tested" in sheet.level(None)

    def test_a_sparkline_says_its_figures(self) -> None:
        history = [a_version(2, passed=9), a_version(1, passed=2)]
        assert 'aria-label="Pass rate by version: v1 2/10, v2 9/10"' in sheet.spark(history)
        assert sheet.spark(history[:1]) == ""
        assert sheet.spark([]) == ""

    def test_bands_follow_the_low_end(self) -> None:
        assert [sheet.band(low) for low in (0, 0.19, 0.2, 0.4, 0.6, 0.75, 1)] == [0, 0, 1, 2, 3, 4, 4]


class TestWritten:
    @pytest.mark.parametrize(
        ("amount", "said"),
        [
            (None, "unknown"), ("", "unknown"), ("x", "unknown"), ("NaN", "unknown"), (0, "$0"),
            ("0.0011", "$0.0011"),
            (Decimal("0.00000123"), "$0.0000012"), (0.1, "$0.10"), (1, "$1.00"), (1234.5, "$1,234.50"),
        ],
    )  # fmt: skip
    def test_dollars(self, amount: Any, said: str) -> None:
        assert written.dollars(amount) == said

    @given(st.decimals(min_value="0.0000001", max_value="0.99", places=9).filter(bool))
    def test_a_known_cost_is_never_shown_as_nothing(self, amount: Decimal) -> None:
        shown = Decimal(written.dollars(amount).removeprefix("$"))
        assert float(shown) == pytest.approx(float(amount), rel=0.06)

    @pytest.mark.parametrize(
        ("ms", "said"),
        [(None, "unknown"), (5, "5 ms"), (850, "0.85 s"), (999, "1.0 s"), (1900, "1.9 s"), (12_000, "12 s")],
    )
    def test_seconds(self, ms: float | None, said: str) -> None:
        assert written.seconds_of_ms(ms) == said

    def test_dates(self) -> None:
        year = timezone.now().year
        assert written.short_date(datetime(year, 11, 14, tzinfo=UTC)) == "14 Nov"
        assert written.short_date("2019-11-14T10:00:00+00:00") == "14 Nov 2019"
        assert written.full_date("2026-11-14") == "14 Nov 2026"
        assert written.iso_date("2026-11-14T10:00:00.123456+00:00") == "2026-11-14"
        assert [written.short_date(v) for v in (None, "", "nonsense", "2026-99-99")] == [""] * 4

    def test_days_ago(self) -> None:
        now = timezone.now()
        said = [written.days_ago(now - timedelta(days=days)) for days in (0, 1, 4)]
        assert said == ["today", "yesterday", "4 days ago"]

    def test_templates_reach_all_of_them(self) -> None:
        source = (
            "{% load evidence_tags %}{{ x|dollars }} {{ 0.5|percent_range:1 }} {% level 2 %} {{ 3|kn:4 }}"
        )
        assert "unknown 50–100%" in Template(source).render(Context({"x": None}))


SCOTLAND = "🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f"


class TestVisible:
    @pytest.mark.parametrize(
        ("hidden", "code"),
        [("\u200b", "U+200B"), ("\u202e", "U+202E"), ("\x00", "U+0000"), ("\x1b", "U+001B"),
         ("\ufeff", "U+FEFF"),
         ("\u00ad", "U+00AD"), ("\u2028", "U+2028"), ("\ud800", "U+D800"), ("\U000e0041", "U+E0041"),
         ("\u3164", "U+3164"), ("\u2066", "U+2066"), ("\r", "U+000D")],
    )  # fmt: skip
    def test_a_hidden_character_is_marked(self, hidden: str, code: str) -> None:
        assert text.visible(f"a{hidden}b") == f'a<span class="esc">{code}</span>b'
        assert shown_plainly(f"a{hidden}b") == f"a⟨{code}⟩b"
        assert text.hides(f"a{hidden}b")

    @pytest.mark.parametrize(
        "kept",
        [
            "a\n\tb",
            "👩‍👩‍👧‍👦",
            "👩🏽‍💻",
            "☺️",
            "می‌خواهم",
            "Ünïcödé",
            "مرحبا",
            "क्‍ष",
        ],
    )
    def test_what_belongs_there_stays(self, kept: str) -> None:
        assert text.visible(kept) == kept
        assert not text.hides(kept)

    def test_line_ends_of_windows_are_line_ends(self) -> None:
        assert text.visible("a\r\nb") == "a\nb"

    def test_a_joiner_that_joins_nothing_is_marked(self) -> None:
        assert "U+200D" in text.visible("ab\u200dcd")
        assert "U+200D" in text.visible("日\u200d本")

    def test_the_same_again_is_only_counted(self) -> None:
        assert text.visible("\u200b" * 5000) == '<span class="esc">U+200B×5000</span>'

    @settings(max_examples=300)
    @given(EVERY_TEXT | MARKUP)
    def test_nothing_of_it_is_markup_and_nothing_hides(self, source: str) -> None:
        for shown in (text.visible(source), text.highlight_variables(source), text.one_line(source)):
            assert {tag for tag, _ in tags_of(shown)} <= {"span", "var", "bdi"}
            assert not re.search("[\u200b\u202a-\u202e\u2066-\u2069\ufeff\x00\ud800-\udfff]", shown)
            shown.encode()

    @settings(max_examples=300)
    @given(EVERY_TEXT)
    def test_what_is_seen_is_kept(self, source: str) -> None:
        seen = "".join(c for c in source if c.isalnum() and c not in _BLANK)
        assert seen in "".join(
            c for c in strip_tags(text.visible(source)) if c.isalnum()
        ) or "U+" in text.visible(source)

    @given(EVERY_TEXT | MARKUP)
    def test_a_fields_value_comes_back(self, source: str) -> None:
        value = unescape(text.as_typed(source))
        plain = source.replace("\r\n", "\n")
        assert len(value) == len(plain)
        assert all(a == b or b == "\ufffd" for a, b in zip(plain, value, strict=True))


class TestVariables:
    def test_are_marked_and_all_else_escaped(self) -> None:
        assert text.highlight_variables("<b> {{ name }} {x}") == (
            '&lt;b&gt; <var class="var">{{ name }}</var> {x}'
        )


class TestMarkdown:
    def test_the_usual(self) -> None:
        html = text.markdown("# One\n\n**b** `c`\n\n- x\n\n| a |\n|---|\n| 1 |\n\n[l](https://example.com)")
        assert "<h3>One</h3>" in html
        assert "<strong>b</strong> <code>c</code>" in html
        assert "<td>1</td>" in html
        assert '<a href="https://example.com" rel="nofollow ugc noopener">l</a>' in html

    def test_an_image_is_its_words(self) -> None:
        assert text.markdown("![a <b>](https://evil.example/x.png)") == "<p>a &lt;b&gt;</p>\n"

    @pytest.mark.parametrize(
        "source",
        ["<script>alert(1)</script>", "[a](javascript:alert(1))", "[a](JaVaScRiPt:alert(1))",
         "<a href=x onclick=y>z</a>", "[a](data:text/html,x)", "<javascript:alert(1)>",
         '[a](https://x "onmouseover=y")', "<style>*{}</style>", "[a]: javascript:x\n\n[a]",
         "<svg onload=alert(1)>", "<img src=x onerror=y>"],
    )  # fmt: skip
    def test_nothing_runs_or_loads(self, source: str) -> None:
        self.is_safe(text.markdown(source))

    @settings(max_examples=300, deadline=None)
    @given(MARKUP | EVERY_TEXT)
    def test_nothing_runs_or_loads_whatever_is_typed(self, source: str) -> None:
        self.is_safe(text.markdown(source))

    def is_safe(self, html: str) -> None:
        for tag, attributes in tags_of(html):
            assert tag in text._TAGS
            assert set(attributes) <= {"href", "rel", "start", "title"}
            assert (
                not (attributes.get("href") or "")
                .strip()
                .lower()
                .startswith(("javascript:", "data:", "vbscript:"))
            )

    def test_a_text_too_long_to_render_is_shown_as_it_is(self) -> None:
        html = text.markdown("*a* " * 20_000)
        assert html.startswith("<pre>*a*")
