"""What every page about one prompt shows above its own part."""

from prompts_app.models import Prompt


def head(prompt: Prompt, tab: str) -> dict[str, object]:
    """``tab`` names the page one is on: "edit", "cases", "details", "failures", "private" or "publish"."""
    return {
        "here": "prompts",
        "tab": tab,
        "prompt": prompt,
        "latest": prompt.versions.order_by("-number").first(),
        "case_count": prompt.cases.count(),
    }
