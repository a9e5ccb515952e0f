"""What a handle and a slug look like in an address."""


class HandleConverter:
    """Any case, so that a capital letter redirects instead of failing."""

    regex = "[A-Za-z0-9][A-Za-z0-9-]{2,29}"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


class PromptSlugConverter(HandleConverter):
    regex = "[A-Za-z0-9][A-Za-z0-9_-]{0,79}"
