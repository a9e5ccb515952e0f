"""What an action refuses, as an error of the form that asked for it."""

from django.forms import BaseForm

from prompts_app.engine.errors import OnRefusal, Refused


def refusals_on(form: BaseForm, field: str = "", more: str = "") -> OnRefusal:
    """``with refusals_on(form):`` the form then has the error at ``field``, else at the field that is meant.

    ``more`` stands behind the sentence.
    """

    def tell(refused: Refused) -> None:
        form.add_error(field or refused.field or None, f"{refused} {more}".strip())

    return OnRefusal(tell)
