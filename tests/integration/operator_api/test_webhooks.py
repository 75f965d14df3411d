"""Webhooks as a supervisor's program meets them: made, told, changed, deleted; the secret is shown once."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from uuid import uuid4

from tests.integration.operator.stories import anomaly
from tests.servers.receiver import receiving

from fleetops.auth.roles import Role
from fleetops.contracts import ids
from fleetops.settings import KafkaSettings

from .eventually import eventually
from .running import OperatorService, detect

SCRIPT = Path(__file__).parents[3] / "docs" / "examples" / "verify_webhook.py"
PATIENT_S = 60


def test_from_an_anomaly_on_kafka_to_a_receiver_that_checks_the_signature(
    service: OperatorService, embedded_kafka: KafkaSettings
) -> None:
    """The whole way through the running service, and the documented script says that it is genuine."""
    boss = service.as_program(Role.SUPERVISOR)
    vehicle = ids.vehicle_id(f"scene_{uuid4().hex[:6]}", 1)
    with receiving() as receiver:
        answer = boss.post("/webhooks", json={"url": f"{receiver.url}/in", "events": ["alert_created"]})
        assert answer.status_code == 201, answer.text
        made, secret = answer.json()["webhook"], answer.json()["secret"]
        detect(embedded_kafka, anomaly(42, vehicle=vehicle))
        (request,) = receiver.wait_for(1, PATIENT_S)
        headers = [request.headers[f"webhook-{name}"] for name in ("id", "timestamp", "signature")]
        checked = subprocess.run([sys.executable, "-I", str(SCRIPT), secret, *headers], input=request.body, check=False)
        assert checked.returncode == 0
        assert request.event["type"] == "alert_created"
        path = f"/webhooks/{made['webhook_id']}"
        seen = eventually(lambda: (got := boss.get(path).json())["last_delivered_at"] and got, PATIENT_S)
        assert (seen["failures"], seen["last_error"]) == (0, None)
        assert secret not in boss.get(path).text + boss.get("/webhooks").text + boss.get("/audit").text
        changed = boss.patch(path, json={"enabled": False, "description": "off"}).json()
        assert (changed["description"], changed["disabled_at"] is None, changed["version"]) == ("off", False, 2)
        renewed = boss.post(f"{path}/secret").json()
        assert renewed["secret"] != secret
    assert boss.delete(path).status_code == 204
    assert boss.get(path).status_code == 404
    log = boss.get("/audit", params={"subject_id": made["webhook_id"]}).json()["entries"]
    assert [entry["what"] for entry in log] == [
        "webhook.deleted", "webhook.secret_renewed", "webhook.changed", "webhook.created",
    ]  # fmt: skip


def test_an_address_behind_the_firewall_is_refused(service: OperatorService) -> None:
    """Made or changed: a cloud's metadata, a private network, plain http to the world; and it says which setting."""
    boss = service.as_program(Role.SUPERVISOR)
    for url in ("http://169.254.169.254/latest", "https://10.0.0.1/", "http://[::1]:8003/", "http://93.184.216.34/"):
        refused = boss.post("/webhooks", json={"url": url})
        assert refused.status_code == 422, url
        assert "FLEETOPS_OPERATOR__WEBHOOK_NETWORKS" in refused.json()["detail"]
    made = boss.post("/webhooks", json={"url": "http://127.0.0.1:9/none"}).json()["webhook"]
    path = f"/webhooks/{made['webhook_id']}"
    assert boss.patch(path, json={"url": "https://10.0.0.1/"}).status_code == 422
    assert boss.post("/webhooks", json={"url": "http://127.0.0.1:9/", "events": ["snapshot"]}).status_code == 422
    assert boss.delete(path).status_code == 204
