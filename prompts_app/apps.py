"""The one app."""

from django.apps import AppConfig


class PromptsAppConfig(AppConfig):
    name = "prompts_app"
    verbose_name = "Proofsheet"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from prompts_app import checks  # noqa: F401 it registers them
