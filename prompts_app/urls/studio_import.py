"""Files brought in: upload, preview, yes, and what came of it."""

from django.urls import path

from prompts_app.views.studio import import_

urlpatterns = [
    path("", import_.upload, name="studio_import"),
    path("done/", import_.done, name="studio_import_done"),
    path("<slug:public_id>/", import_.preview, name="studio_import_preview"),
    path("<slug:public_id>/discard/", import_.discard, name="studio_import_discard"),
]
