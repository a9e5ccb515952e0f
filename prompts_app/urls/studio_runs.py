"""Runs: start, watch, cancel; outputs pasted by hand."""

from django.urls import path

from prompts_app.views.studio import paste, runs, verdict

urlpatterns = [
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
]
