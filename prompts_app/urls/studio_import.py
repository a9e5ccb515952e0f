"""Files brought in: upload, preview, yes."""

from django.urls import path

from prompts_app.views.studio import import_

urlpatterns = [
    path("", import_.upload, name="studio_import"),
    path("<slug:public_id>/", import_.preview, name="studio_import_preview"),
]
