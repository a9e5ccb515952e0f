"""TABLE has one row for each named address of the site, and says who may see it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from prompts_app.actions.exporting.job import start_export
from prompts_app.actions.pictures.storage import replace_picture, set_face
from prompts_app.actions.prompts.case_pictures import add_pictures
from prompts_app.actions.prompts.private_parts import add_span
from prompts_app.actions.tries.starting import ModelAt, start_try
from prompts_app.engine.formats.skill import skill_in
from prompts_app.engine.pictures import keep, keep_to_send, square
from prompts_app.engine.types import CaseContent, Message, PromptContent
from prompts_app.models import KnownFailure
from prompts_app.tests.engine.files import a_file
from prompts_app.tests.factories import VersionFactory
from prompts_app.tests.security.world import World

_TRIED = PromptContent((Message("user", "quokka-in-the-tried-text"),))


class Rule(Enum):
    OPEN = "the same for everybody"
    PROMPT = "as visible as its prompt"
    AUTHOR = "as visible as its author's profile"
    OWN = "the author's own area: signed in"
    THING = "the author's own area, and of something: its owner"
    WAY_IN = "signing in and up: for those who are not"
    ACCOUNT = "one's own account: signed in"
    LINK = "whoever has the share link, while it works"


def _nothing(w: World) -> list[Any]:
    return []


@dataclass(frozen=True)
class Row:
    rule: Rule
    args: Callable[[World], list[Any]] = _nothing
    method: str = "get"
    data: dict[str, str] = field(default_factory=dict)
    answers: tuple[int, ...] = (200,)  # what those who may get


def _of_prompt(w: World) -> list[Any]:
    return [w.prompt.owner.handle, w.prompt.slug]


def _another(w: World) -> int:
    """The number of a second version, made where there is none yet."""
    second, _ = w.prompt.versions.get_or_create(
        number=w.version.number + 1, defaults={"messages": w.version.messages, "note": "quokka-in-the-note"}
    )
    return second.number


def _pictured(w: World) -> str:
    """The result, whose output is a picture as well."""
    if not w.result.picture:
        picture = keep(a_file())
        w.result.picture = picture.about()
        w.result.save(update_fields=["picture"])
        replace_picture(w.result, picture)
    return w.result.public_id


def _case_picture(w: World) -> str:
    """The digest of a picture that a case puts in."""
    if not w.case.as_engine().pictures:
        add_pictures(w.case, "word", "quokka-in-the-note", [keep_to_send(a_file())])
        w.case.refresh_from_db()
    return w.case.as_engine().pictures[0].sha256


def _with_face(w: World) -> list[Any]:
    set_face(w.prompt.owner.profile, square(a_file()))
    return [w.prompt.owner.handle]


def _of_skill(w: World) -> list[Any]:
    newest = w.prompt.versions.order_by("-number")[0]
    if not skill_in(newest.as_engine()):
        text = "---\nname: a-skill\ndescription: When it is asked for.\n---\n"
        messages = [{"role": "system", "content": text}]
        VersionFactory(prompt=w.prompt, number=newest.number + 1, messages=messages)
    return _of_prompt(w)


def _private(w: World) -> list[Any]:
    span = w.prompt.private_spans.first() or add_span(w.prompt, "animal", "quokka-in-the-summary")
    return [w.prompt.slug, span.public_id]


def _slug(w: World) -> list[Any]:
    return [w.prompt.slug]


def _case(w: World) -> list[Any]:
    return [w.prompt.slug, w.case.public_id]


def _failure(w: World) -> list[Any]:
    """A place on the failure shelf, made where there is none yet."""
    there, _ = KnownFailure.objects.get_or_create(
        prompt=w.prompt, run=w.run, case_index=0, defaults={"diagnosis": "quokka-in-the-note"}
    )
    return [w.prompt.slug, there.public_id]


def _endpoint(w: World) -> list[Any]:
    return [w.endpoint.public_id]


def _batch(w: World) -> list[Any]:
    return [w.batch.public_id]


def _try(w: World) -> list[Any]:
    """Of an answer of this endpoint's, made where there is none yet."""
    places = [ModelAt(w.endpoint, "quokka-in-the-try")]
    there = w.prompt.tries.first()
    return [(there or start_try(w.prompt.owner, w.prompt, _TRIED, CaseContent(""), places)).public_id]


def _import(w: World) -> list[Any]:
    return [w.import_draft.public_id]


def _export(w: World) -> list[Any]:
    return [start_export(w.prompt.owner).public_id, 1]


def _link(w: World) -> list[Any]:
    return [w.link.public_id]


DONE = (200, 204, 302, 422)  # a form that was taken, or came back
ELSEWHERE = (200, 302)  # the page, or another of the account's

TABLE = {
    # public
    "home": Row(Rule.OPEN),
    "about_evidence": Row(Rule.OPEN),
    "about_assertions": Row(Rule.OPEN),
    "browse": Row(Rule.OPEN),
    "verify": Row(Rule.OPEN),
    "jwks": Row(Rule.OPEN),
    "healthz": Row(Rule.OPEN),
    "readyz": Row(Rule.OPEN, answers=(503,)),  # no worker is there
    "favicon": Row(Rule.OPEN, answers=(302,)),  # to the static file
    "robots": Row(Rule.OPEN),
    "sitemap": Row(Rule.OPEN),
    "sitemap_part": Row(Rule.OPEN, lambda w: ["pages"]),
    "profile": Row(Rule.AUTHOR, lambda w: [w.prompt.owner.handle]),
    "site_feed": Row(Rule.OPEN),
    "oembed": Row(Rule.OPEN, answers=(404,)),  # without the address of a public page
    "author_feed": Row(Rule.AUTHOR, lambda w: [w.prompt.owner.handle]),
    "profile_card": Row(Rule.AUTHOR, lambda w: [w.prompt.owner.handle]),
    "face": Row(Rule.AUTHOR, _with_face),
    "prompt": Row(Rule.PROMPT, _of_prompt),
    "prompt_card": Row(Rule.PROMPT, _of_prompt),
    "prompt_badge": Row(Rule.PROMPT, _of_prompt),
    "prompt_md": Row(Rule.PROMPT, _of_prompt),
    "prompt_json": Row(Rule.PROMPT, _of_prompt),
    "prompt_messages": Row(Rule.PROMPT, _of_prompt),
    "prompt_promptfoo": Row(Rule.PROMPT, _of_prompt),
    "prompt_skill": Row(Rule.PROMPT, _of_skill),
    "version": Row(Rule.PROMPT, lambda w: [*_of_prompt(w), w.version.number]),
    "results": Row(Rule.PROMPT, _of_prompt),
    "result": Row(Rule.PROMPT, lambda w: [*_of_prompt(w), w.result.public_id]),
    "result_picture": Row(Rule.PROMPT, lambda w: [*_of_prompt(w), _pictured(w)]),
    "case_picture": Row(Rule.PROMPT, lambda w: [*_of_prompt(w), _case_picture(w)]),
    "case_thumbnail": Row(Rule.PROMPT, lambda w: [*_of_prompt(w), _case_picture(w)]),
    "result_thumbnail": Row(Rule.PROMPT, lambda w: [*_of_prompt(w), _pictured(w)]),
    "interview": Row(Rule.PROMPT, _of_prompt),
    "blind": Row(Rule.PROMPT, _of_prompt),
    "blind_pair": Row(Rule.PROMPT, lambda w: [*_of_prompt(w), "draw"]),
    "random": Row(Rule.PROMPT, _of_prompt),
    "fork": Row(Rule.PROMPT, _of_prompt),
    "compare": Row(Rule.PROMPT, lambda w: [*_of_prompt(w), w.version.number, _another(w)]),
    "run_record": Row(Rule.PROMPT, lambda w: [*_of_prompt(w), w.run.public_id]),
    # share links
    "shared": Row(Rule.LINK, lambda w: [w.token]),
    "shared_page": Row(Rule.LINK, lambda w: [w.token, f"{w.prompt.slug}/"]),
    # studio
    "studio": Row(Rule.OWN),
    "studio_prompts_many": Row(Rule.OWN, answers=(302,)),
    "studio_prompts_undelete": Row(Rule.OWN, answers=(302,)),
    "studio_prompt_new": Row(Rule.OWN),
    "studio_endpoints": Row(Rule.OWN),
    "studio_endpoint_new": Row(Rule.OWN),
    "studio_runs": Row(Rule.OWN),
    "studio_profile": Row(Rule.OWN),
    "studio_handle": Row(Rule.OWN),
    "studio_account_delete": Row(Rule.OWN),
    "studio_export": Row(Rule.OWN),
    "studio_export_file": Row(Rule.THING, _export),
    "studio_import": Row(Rule.OWN),
    "studio_import_one": Row(Rule.THING, _import),
    "studio_import_discard": Row(Rule.THING, _import, "post", answers=DONE),
    "studio_import_stop": Row(Rule.THING, _import, "post", answers=DONE),
    "studio_import_undo": Row(Rule.THING, _import, answers=DONE),
    "studio_prompt": Row(Rule.THING, _slug),
    "studio_prompt_draft": Row(Rule.THING, _slug, "post", {"note": "x"}, DONE),
    "studio_prompt_details": Row(Rule.THING, _slug),
    "studio_prompt_delete": Row(Rule.THING, _slug),
    "studio_version_delete": Row(Rule.THING, lambda w: [w.prompt.slug, w.version.number]),
    "studio_publish": Row(Rule.THING, _slug),
    "studio_private": Row(Rule.THING, _slug),
    "studio_private_part": Row(Rule.THING, _private),
    "studio_private_remove": Row(Rule.THING, _private),
    "studio_cases": Row(Rule.THING, _slug),
    "studio_case_new": Row(Rule.THING, _slug),
    "studio_case": Row(Rule.THING, _case),
    "studio_case_pictures": Row(Rule.THING, _case),
    "studio_message_pictures": Row(Rule.THING, _slug),
    "studio_cases_table": Row(Rule.THING, _slug),
    "studio_case_copy": Row(Rule.THING, _case, "post", answers=DONE),
    "studio_case_move": Row(Rule.THING, _case, "post", {"step": "up"}, DONE),
    "studio_case_delete": Row(Rule.THING, _case),
    "studio_missing": Row(Rule.THING, _slug),
    "studio_failures": Row(Rule.THING, _slug),
    "studio_failure_new": Row(Rule.THING, lambda w: [w.prompt.slug, w.run.public_id, 1]),
    "studio_failure": Row(Rule.THING, _failure),
    "studio_failure_move": Row(Rule.THING, _failure, "post", {"step": "up"}, DONE),
    "studio_failure_delete": Row(Rule.THING, _failure),
    "studio_try": Row(Rule.THING, _try, answers=ELSEWHERE),
    "studio_endpoint": Row(Rule.THING, _endpoint),
    "studio_endpoint_test": Row(Rule.THING, _endpoint, "post", answers=DONE),
    "studio_endpoint_delete": Row(Rule.THING, _endpoint),
    "studio_batch": Row(Rule.THING, _batch),
    "studio_batch_cancel": Row(Rule.THING, _batch, "post", answers=DONE),
    "studio_run_cancel": Row(
        Rule.THING, lambda w: [w.batch.public_id, w.batch.runs.get().public_id], "post", answers=DONE
    ),
    "studio_batch_again": Row(Rule.THING, _batch, "post", answers=DONE),
    "studio_batch_delete": Row(Rule.THING, _batch),
    "studio_verdict": Row(Rule.THING, lambda w: [w.result.public_id]),
    "studio_run_start": Row(Rule.THING, _slug),
    "studio_paste": Row(Rule.THING, _slug),
    "studio_paste_judge": Row(
        Rule.THING, lambda w: [w.prompt.slug, w.pasted.public_id], answers=ELSEWHERE
    ),  # elsewhere where no output waits
    "studio_paste_delete": Row(
        Rule.THING, lambda w: [w.prompt.slug, w.pasted.public_id], "post", answers=DONE
    ),
    "studio_links": Row(Rule.OWN),
    "studio_link_new": Row(Rule.OWN),
    "studio_link": Row(Rule.THING, _link),
    "studio_link_renew": Row(Rule.THING, _link, "post", answers=DONE),
    "studio_link_revoke": Row(Rule.THING, _link, "post", answers=DONE),
    "studio_link_delete": Row(Rule.THING, _link),
    "studio_link_preview": Row(Rule.THING, _link),
    "studio_link_preview_page": Row(Rule.THING, lambda w: [*_link(w), f"{w.prompt.slug}/"]),
    # accounts: before signing in
    "account_login": Row(Rule.WAY_IN),
    "account_signup": Row(Rule.WAY_IN),
    "account_confirm_login_code": Row(Rule.WAY_IN, answers=(302,)),  # only in the middle of signing in
    "mfa_authenticate": Row(Rule.WAY_IN, answers=(302,)),
    "socialaccount_signup": Row(Rule.WAY_IN, answers=(302,)),
    "mfa_login_webauthn": Row(Rule.WAY_IN, answers=(200, 302)),
    # accounts: open to both
    "account_logout": Row(Rule.OPEN, answers=ELSEWHERE),
    "account_inactive": Row(Rule.OPEN),
    "account_email_verification_sent": Row(Rule.OPEN, answers=ELSEWHERE),
    "account_confirm_email": Row(Rule.OPEN, lambda w: ["no-such-key"]),
    "account_reset_password": Row(Rule.OPEN),
    "account_reset_password_done": Row(Rule.OPEN),
    "account_reset_password_from_key": Row(Rule.OPEN, lambda w: ["1", "no-such-key"]),
    "account_reset_password_from_key_done": Row(Rule.OPEN),
    "socialaccount_login_cancelled": Row(Rule.OPEN),
    "socialaccount_login_error": Row(Rule.OPEN, answers=(401,)),
    "github_login": Row(Rule.OPEN, answers=(404,)),  # no GitHub without its keys
    "github_callback": Row(Rule.OPEN, answers=(404,)),
    # accounts: one's own
    "account_email": Row(Rule.ACCOUNT),
    "account_change_password": Row(Rule.ACCOUNT),
    "account_set_password": Row(Rule.ACCOUNT, answers=ELSEWHERE),
    "account_reauthenticate": Row(Rule.ACCOUNT),
    "mfa_index": Row(Rule.ACCOUNT),
    "mfa_reauthenticate": Row(Rule.ACCOUNT, answers=ELSEWHERE),
    "mfa_activate_totp": Row(Rule.ACCOUNT, answers=ELSEWHERE),
    "mfa_deactivate_totp": Row(Rule.ACCOUNT, answers=(404,)),  # until there is one
    "mfa_view_recovery_codes": Row(Rule.ACCOUNT, answers=(302, 404)),
    "mfa_generate_recovery_codes": Row(Rule.ACCOUNT, answers=ELSEWHERE),
    "mfa_download_recovery_codes": Row(Rule.ACCOUNT, answers=(302, 404)),
    "mfa_list_webauthn": Row(Rule.ACCOUNT),
    "mfa_add_webauthn": Row(Rule.ACCOUNT, answers=ELSEWHERE),
    "mfa_reauthenticate_webauthn": Row(Rule.ACCOUNT, answers=ELSEWHERE),
    "mfa_remove_webauthn": Row(Rule.ACCOUNT, lambda w: [1], answers=(302, 404)),
    "mfa_edit_webauthn": Row(Rule.ACCOUNT, lambda w: [1], answers=(302, 404)),
    "socialaccount_connections": Row(Rule.ACCOUNT),
}


def names(*rules: Rule) -> list[str]:
    return [name for name, row in TABLE.items() if row.rule in rules]
