"""What the operator may do in the admin, and what nobody may."""

import pytest
from django.urls import NoReverseMatch, reverse

from prompts_app.models import User
from prompts_app.tests.pages import read_page
from prompts_app.tests.people import client_of
from prompts_app.tests.security.world import world

pytestmark = pytest.mark.django_db


def test_the_admin_shows_no_key_and_changes_no_evidence() -> None:
    w = world()
    w.endpoint.set_key("sk-very-secret")
    w.endpoint.save()
    client = client_of(User.objects.create_superuser(username="operator", email="o@example.com"))
    page = read_page(client.get(reverse("admin:prompts_app_endpoint_change", args=[w.endpoint.pk])))
    assert "127.0.0.1" in page
    assert "encrypted" not in page
    for row in (w.run, w.result, w.version):
        name = f"admin:prompts_app_{row._meta.model_name}"
        assert client.post(reverse(f"{name}_change", args=[row.pk]), {"model": "x"}).status_code == 403
        assert client.post(reverse(f"{name}_delete", args=[row.pk]), {"post": "yes"}).status_code == 403
    for hidden in ("socialaccount_socialapp", "socialaccount_socialtoken"):
        with pytest.raises(NoReverseMatch):
            reverse(f"admin:{hidden}_changelist")


def test_the_operator_takes_down_and_switches_off() -> None:
    w = world()
    client = client_of(User.objects.create_superuser(username="operator", email="o@example.com"))

    def act(model: str, action: str, pk: int) -> None:
        address = reverse(f"admin:prompts_app_{model}_changelist")
        assert client.post(address, {"action": action, "_selected_action": [pk]}).status_code == 302

    stranger = client_of(None)
    act("prompt", "take_down", w.prompt.pk)
    assert stranger.get("/@alice/notary/").status_code == 404
    act("user", "switch_off", w.prompt.owner_id)
    assert stranger.get("/@alice/").status_code == 404
    act("user", "switch_on", w.prompt.owner_id)
    assert stranger.get("/@alice/").status_code == 200
    act("user", "hide_profile", w.prompt.owner_id)
    assert stranger.get("/@alice/").status_code == 404


def test_the_operator_is_never_locked_out_by_their_own_hand() -> None:
    operator = User.objects.create_superuser(username="operator", email="o@example.com")
    client = client_of(operator)
    address = reverse("admin:prompts_app_user_changelist")
    client.post(address, {"action": "switch_off", "_selected_action": [operator.pk]})
    assert User.objects.get(username="operator").is_active
