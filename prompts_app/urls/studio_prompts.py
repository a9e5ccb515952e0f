"""Prompts, their versions and cases, publishing, endpoints."""

from django.urls import path

from prompts_app.views.studio import cases, editor, endpoints, failures, private, prompts, publish

urlpatterns = [
    path("", prompts.studio, name="studio"),
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
]
