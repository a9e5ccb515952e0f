"""The tools of a version as pages list them."""

from collections.abc import Mapping

from django import template

from prompts_app.engine.tool_rules import Tool, tools_in
from prompts_app.engine.types import Json

register = template.Library()


@register.filter
def tools(parameters: Mapping[str, Json]) -> list[Tool]:
    """Those that the model is told of."""
    return tools_in(parameters)
