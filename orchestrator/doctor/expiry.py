"""What the lifecycle manager of an environment needs and says: its records, the clusters' snapshots, its alarms."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from orchestrator.doctor.diagnosis import Diagnosis, attempt

if TYPE_CHECKING:
    from orchestrator.aws.session import AwsSession
    from orchestrator.environment.model import Environment


def lifecycle(session: AwsSession, environment: Environment) -> Iterator[Diagnosis]:
    """Findings for an environment that deploys the manager; none for another."""
    if "lifecycle_manager" not in environment.functions:
        return
    finds: tuple[tuple[str, Callable[[], Diagnosis]], ...] = (
        ("snapshots", lambda: _snapshots(session, environment)),
        ("alarms", lambda: _alarms(session, environment)),
    )
    for check, find in finds:
        yield attempt(check, environment.name, find)


def _snapshots(session: AwsSession, environment: Environment) -> Diagnosis:
    """Does the manager know what runs? Without that nothing expires, which is safe, and no apply needs it."""
    from orchestrator.aws.lifecycle_calls import bucket_storage
    from orchestrator.functions.variables import bucket_of, settings_from_environment
    from orchestrator.lifecycle.cluster_use import load_cluster_use
    from orchestrator.lifecycle.in_use import SNAPSHOTS

    check, name = "snapshots", environment.name
    bucket = bucket_of(environment)
    storage = bucket_storage(session, bucket) if bucket else None
    if storage is None:
        return Diagnosis("note", check, f"bucket {bucket} does not exist", "An apply makes it.", name)
    used = load_cluster_use(storage, settings_from_environment(environment), datetime.now(UTC))
    if used.problems:
        return Diagnosis("note", check, f"nothing expires: {'; '.join(used.problems)}", environment=name)
    return Diagnosis("ok", check, "; ".join(used.notes) or f"s3://{bucket}/{SNAPSHOTS} is complete and fresh", "", name)


def _alarms(session: AwsSession, environment: Environment) -> Diagnosis:
    """Which alarms of the manager ring now."""
    from orchestrator.aws.translation import explained

    check, name = "alarms", environment.name
    manager = environment.lifecycle_manager
    assert manager is not None
    client: Any = session.client
    with explained(session, "cloudwatch"):
        pages = client("cloudwatch").get_paginator("describe_alarms").paginate(AlarmNamePrefix=f"{manager.name}-")
        alarms = [alarm for page in pages for alarm in page["MetricAlarms"]]
    if not alarms:
        return Diagnosis("note", check, f"there are none that begin with {manager.name}-", "An apply makes them.", name)
    ringing = [alarm for alarm in alarms if alarm["StateValue"] == "ALARM"]
    if ringing:
        what = "; ".join(f"{one['AlarmName']}: {one.get('AlarmDescription') or one['StateReason']}" for one in ringing)
        return Diagnosis(
            "note", check, what, f"`orchestrator lifecycle invoke {name}{session.flag}` runs it again.", name
        )
    return Diagnosis("ok", check, f"none of {len(alarms)} rings", environment=name)
