"""Every fault tells the author what happened and what to do."""

import pytest

from prompts_app.engine.faults import FAULTS, FaultKind


@pytest.mark.parametrize("kind", FAULTS.values(), ids=list(FAULTS))
def test_a_fault_has_a_label_and_a_next_step(kind: FaultKind) -> None:
    assert kind.label
    assert kind.label[0].islower()
    assert not kind.label.endswith(".")
    assert kind.next_step[0].isupper()
    assert kind.next_step.endswith(".")


def test_what_the_author_must_mend_is_not_asked_again() -> None:
    retryable = {name for name, kind in FAULTS.items() if kind.retryable}
    assert retryable == {
        "timeout_server", "conflict", "rate_limited", "server_error", "stream_cut", "malformed_call",
        "dns", "refused_connection", "out_of_sockets",
    }  # fmt: skip
