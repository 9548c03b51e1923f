"""What AWS refuses besides ECR: each check of the table happens, and what it guards goes on where it may."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from orchestrator.local.guards import CHECKS
from orchestrator.local.models import operation_names
from tests.functional.local.conftest import Clients, refused
from tests.functional.local.other_refusal_cases import CASES, Place, grant


def test_every_check_has_a_case_and_is_of_an_operation_that_there_is() -> None:
    assert {(check.operation, check.error) for check in CHECKS} == {(each[0], each[1]) for each in CASES}
    assert all(check.operation in operation_names(check.service) for check in CHECKS)


@pytest.mark.parametrize(("operation", "error", "provoke"), CASES)
def test_the_refusal_happens(
    clients: Clients, account_id: str, operation: str, error: str, provoke: Callable[[Place], Any]
) -> None:
    with pytest.raises(ClientError) as caught:
        provoke(Place(clients, account_id))
    assert (caught.value.operation_name, caught.value.response["Error"]["Code"]) == (operation, error)


def test_what_nothing_uses_any_more_is_deleted(clients: Clients, account_id: str) -> None:
    p = Place(clients, account_id)
    vpc = p.vpc()
    subnet, group = p.subnet(vpc), p.group(vpc)
    made = p.endpoint(vpc, subnet, groups=(group,))
    with refused("DependencyViolation", group):
        p.ec2.delete_security_group(GroupId=group)

    p.ec2.delete_vpc_endpoints(VpcEndpointIds=[made])
    p.ec2.delete_security_group(GroupId=group)
    p.ec2.delete_subnet(SubnetId=subnet)
    p.ec2.delete_vpc(VpcId=vpc)

    assert vpc not in [each["VpcId"] for each in p.ec2.describe_vpcs()["Vpcs"]]


def test_a_group_is_taken_from_its_endpoints_before_it_goes(clients: Clients, account_id: str) -> None:
    """As Terraform does it that makes the new group first."""
    p = Place(clients, account_id)
    vpc = p.vpc()
    group, other = p.group(vpc), p.group(vpc, "other")
    made = p.endpoint(vpc, p.subnet(vpc), groups=(group,))
    p.ec2.modify_vpc_endpoint(VpcEndpointId=made, AddSecurityGroupIds=[other], RemoveSecurityGroupIds=[group])
    p.ec2.delete_security_group(GroupId=group)

    (endpoint,) = p.ec2.describe_vpc_endpoints(VpcEndpointIds=[made])["VpcEndpoints"]
    assert [each["GroupId"] for each in endpoint["Groups"]] == [other]


def test_a_queue_that_is_patient_and_may_be_read_calls_its_function(clients: Clients, account_id: str) -> None:
    p = Place(clients, account_id)
    p.function(Timeout=10)
    p.iam.put_role_policy(RoleName="r", PolicyName="q", PolicyDocument=grant("sqs:*Message"))
    p.queue(60)
    assert p.map_queue()["EventSourceArn"].endswith(":q")
