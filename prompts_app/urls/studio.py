"""The author's own area."""

from django.urls import path

from prompts_app.views.public import shared
from prompts_app.views.studio import (
    case_pictures,
    cases,
    editor,
    endpoints,
    export,
    failures,
    import_,
    many_prompts,
    paste,
    people,
    private,
    prompt_list,
    prompts,
    publish,
    runs,
    sharing,
    verdict,
)

urlpatterns = [
    # prompts, their versions and cases, publishing, endpoints
    path("", prompt_list.studio, name="studio"),
    path("many/", many_prompts.many, name="studio_prompts_many"),
    path("undelete/", many_prompts.undo_delete, name="studio_prompts_undelete"),
    path("prompts/new/", editor.new, name="studio_prompt_new"),
    path("prompts/<slug:slug>/", editor.edit, name="studio_prompt"),
    path("prompts/<slug:slug>/draft/", prompts.keep_draft, name="studio_prompt_draft"),
    path("prompts/<slug:slug>/details/", prompts.details, name="studio_prompt_details"),
    path("prompts/<slug:slug>/delete/", prompts.delete, name="studio_prompt_delete"),
    path("prompts/<slug:slug>/v<int:number>/delete/", prompts.delete_version, name="studio_version_delete"),
    path("prompts/<slug:slug>/publish/", publish.publish, name="studio_publish"),
    path("prompts/<slug:slug>/cases/", cases.cases, name="studio_cases"),
    path("prompts/<slug:slug>/cases/new/", cases.new, name="studio_case_new"),
    path("prompts/<slug:slug>/cases/table/", cases.add_table, name="studio_cases_table"),
    path("prompts/<slug:slug>/cases/<slug:public_id>/", cases.edit, name="studio_case"),
    path("prompts/<slug:slug>/cases/<slug:public_id>/move/", cases.move, name="studio_case_move"),
    path("prompts/<slug:slug>/cases/<slug:public_id>/copy/", cases.duplicate, name="studio_case_copy"),
    path("prompts/<slug:slug>/cases/<slug:public_id>/delete/", cases.delete, name="studio_case_delete"),
    path(
        "prompts/<slug:slug>/cases/<slug:public_id>/pictures/",
        case_pictures.pictures,
        name="studio_case_pictures",
    ),
    path("prompts/<slug:slug>/pictures/", case_pictures.message_pictures, name="studio_message_pictures"),
    path("prompts/<slug:slug>/missing/", publish.missing, name="studio_missing"),
    path("prompts/<slug:slug>/failures/", failures.failures, name="studio_failures"),
    path(
        "prompts/<slug:slug>/failures/new/<slug:run>/<int:number>/",
        failures.new,
        name="studio_failure_new",
    ),
    path("prompts/<slug:slug>/failures/<slug:public_id>/", failures.edit, name="studio_failure"),
    path("prompts/<slug:slug>/failures/<slug:public_id>/move/", failures.move, name="studio_failure_move"),
    path(
        "prompts/<slug:slug>/failures/<slug:public_id>/delete/",
        failures.delete,
        name="studio_failure_delete",
    ),
    path("prompts/<slug:slug>/private/", private.parts, name="studio_private"),
    path("prompts/<slug:slug>/private/<slug:public_id>/", private.part, name="studio_private_part"),
    path(
        "prompts/<slug:slug>/private/<slug:public_id>/remove/", private.remove, name="studio_private_remove"
    ),
    path("endpoints/", endpoints.endpoints, name="studio_endpoints"),
    path("endpoints/new/", endpoints.new, name="studio_endpoint_new"),
    path("endpoints/<slug:public_id>/", endpoints.edit, name="studio_endpoint"),
    path("endpoints/<slug:public_id>/test/", endpoints.test, name="studio_endpoint_test"),
    path("endpoints/<slug:public_id>/delete/", endpoints.delete, name="studio_endpoint_delete"),
    # runs: start, watch, cancel; outputs pasted by hand
    path("runs/", runs.runs, name="studio_runs"),
    path("runs/<slug:public_id>/", runs.batch, name="studio_batch"),
    path("runs/<slug:public_id>/cancel/", runs.cancel, name="studio_batch_cancel"),
    path("runs/<slug:public_id>/cancel/<slug:run_id>/", runs.cancel_one, name="studio_run_cancel"),
    path("runs/<slug:public_id>/again/", runs.again, name="studio_batch_again"),
    path("runs/<slug:public_id>/delete/", runs.delete, name="studio_batch_delete"),
    path("results/<slug:public_id>/verdict/", verdict.verdict, name="studio_verdict"),
    path("prompts/<slug:slug>/run/", runs.start, name="studio_run_start"),
    path("prompts/<slug:slug>/paste/", paste.paste, name="studio_paste"),
    path("prompts/<slug:slug>/paste/<slug:public_id>/judge/", paste.judge, name="studio_paste_judge"),
    path("prompts/<slug:slug>/paste/<slug:public_id>/delete/", paste.delete, name="studio_paste_delete"),
    # profile and account
    path("profile/", people.profile, name="studio_profile"),
    path("account/handle/", people.handle, name="studio_handle"),
    path("account/delete/", people.delete_account, name="studio_account_delete"),
    # share links
    path("links/", sharing.links, name="studio_links"),
    path("links/new/", sharing.new, name="studio_link_new"),
    path("links/<slug:public_id>/", sharing.edit, name="studio_link"),
    path("links/<slug:public_id>/renew/", sharing.renew, name="studio_link_renew"),
    path("links/<slug:public_id>/revoke/", sharing.revoke, name="studio_link_revoke"),
    path("links/<slug:public_id>/delete/", sharing.delete, name="studio_link_delete"),
    path("links/<slug:public_id>/preview/", shared.preview, name="studio_link_preview"),
    path("links/<slug:public_id>/preview/<path:place>", shared.preview, name="studio_link_preview_page"),
    # everything of an account, to take along
    path("export/", export.export, name="studio_export"),
    path("export/<slug:public_id>/<int:number>/", export.file, name="studio_export_file"),
    # files brought in: upload, preview, yes, what comes of it, and back
    path("import/", import_.upload, name="studio_import"),
    path("import/<slug:public_id>/", import_.one, name="studio_import_one"),
    path("import/<slug:public_id>/discard/", import_.discard, name="studio_import_discard"),
    path("import/<slug:public_id>/stop/", import_.stop_one, name="studio_import_stop"),
    path("import/<slug:public_id>/undo/", import_.undo_one, name="studio_import_undo"),
]
