"""Files brought in: upload, preview, yes, what comes of it, and back."""

from django.urls import path

from prompts_app.views.studio import import_

urlpatterns = [
    path("", import_.upload, name="studio_import"),
    path("<slug:public_id>/", import_.one, name="studio_import_one"),
    path("<slug:public_id>/discard/", import_.discard, name="studio_import_discard"),
    path("<slug:public_id>/stop/", import_.stop_one, name="studio_import_stop"),
    path("<slug:public_id>/undo/", import_.undo_one, name="studio_import_undo"),
]
