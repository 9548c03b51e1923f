"""What an environment names and does not own exists after `ensure_placeholders`, under the names of its file."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from orchestrator.local.placeholders import ensure_placeholders
from tests.conftest import ProjectFactory
from tests.functional.local.conftest import Clients, refused

if TYPE_CHECKING:
    from orchestrator.environment.model import Environment
    from orchestrator.local import LocalAws

KEY = "1b2c3d4e-5f60-7182-93a4-b5c6d7e8f90a"


def text(account_id: str) -> str:
    """An environment that names one of everything."""
    return f"""
    cluster_name = "dev"
    account_id   = "{account_id}"
    aws_region   = "eu-west-1"

    vpc_id                      = "vpc-0123456789abcdef1"
    vpc_cidr                    = "10.20.0.0/22"
    private_subnet_ids          = ["subnet-0123456789abcd101", "subnet-0123456789abcd102", "subnet-0123456789abcd103"]
    private_route_table_ids     = ["rtb-0123456789abcd101"]
    endpoint_security_group_ids = ["sg-0123456789abcd101"]
    extra_vpc_endpoints         = ["s3"]

    kms_key_arn = "arn:aws:kms:eu-west-1:{account_id}:key/{KEY}"
    create_ecr  = true

    node_role_names              = ["nodes"]
    fargate_execution_role_names = ["pods"]

    pull_through_cache_rules = {{
      docker-hub = {{ upstream_registry_url = "registry-1.docker.io", secret_name = "ecr-pullthroughcache/hub" }}
      ghcr = {{
        upstream_registry_url = "ghcr.io"
        credential_arn        = "arn:aws:secretsmanager:eu-west-1:{account_id}:secret:ecr-pullthroughcache/gh-AbCdEf"
        template = {{
          custom_role_arn = "arn:aws:iam::{account_id}:role/ecr/templates"
          resource_tags   = {{ team = "a" }}
        }}
      }}
    }}

    push_roles = {{
      irsa = {{
        repositories      = ["dev-registry"]
        oidc_provider_arn = "arn:aws:iam::{account_id}:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/ABCDEF"
        subjects          = ["system:serviceaccount:ci:builder"]
      }}
      pod = {{ repositories = ["dev-registry"], pod_identity = {{ namespace = "ci", service_account = "builder" }} }}
    }}
    """


@pytest.fixture
def environment(project: ProjectFactory, account_id: str) -> Environment:
    return project(dev=text(account_id)).load("dev")


def test_everything_that_the_file_names_exists(
    local_aws: LocalAws, clients: Clients, environment: Environment, account_id: str
) -> None:
    made = ensure_placeholders(local_aws, environment)
    assert "subnet subnet-0123456789abcd102" in made

    ec2, iam = clients("ec2"), clients("iam")
    (vpc,) = ec2.describe_vpcs(VpcIds=["vpc-0123456789abcdef1"])["Vpcs"]
    assert vpc["CidrBlock"] == "10.20.0.0/22"
    assert ec2.describe_vpc_attribute(VpcId=vpc["VpcId"], Attribute="enableDnsHostnames")["EnableDnsHostnames"]["Value"]
    subnets = ec2.describe_subnets(SubnetIds=list(environment.private_subnet_ids))["Subnets"]
    assert {subnet["VpcId"] for subnet in subnets} == {"vpc-0123456789abcdef1"}
    assert len({subnet["AvailabilityZone"] for subnet in subnets}) == 3
    assert all(subnet["AvailabilityZone"].startswith("eu-west-1") for subnet in subnets)
    assert len({subnet["CidrBlock"] for subnet in subnets}) == 3
    (table,) = ec2.describe_route_tables(RouteTableIds=["rtb-0123456789abcd101"])["RouteTables"]
    (group,) = ec2.describe_security_groups(GroupIds=["sg-0123456789abcd101"])["SecurityGroups"]
    assert table["VpcId"] == group["VpcId"] == "vpc-0123456789abcdef1"

    assert iam.get_role(RoleName="nodes")["Role"]["AssumeRolePolicyDocument"]["Statement"][0]["Principal"] == {
        "Service": "ec2.amazonaws.com"
    }
    assert iam.get_role(RoleName="pods")["Role"]["Path"] == "/"
    assert iam.get_role(RoleName="templates")["Role"]["Arn"] == f"arn:aws:iam::{account_id}:role/ecr/templates"
    providers = iam.list_open_id_connect_providers()["OpenIDConnectProviderList"]
    assert [provider["Arn"] for provider in providers] == [environment.push_roles["irsa"].oidc_provider_arn]
    assert clients("eks").describe_cluster(name="dev")["cluster"]["name"] == "dev"
    assert clients("kms").describe_key(KeyId=environment.kms_key_arn)["KeyMetadata"]["KeyId"] == KEY


def test_the_secrets_are_of_the_shape_that_ecr_takes(
    local_aws: LocalAws, clients: Clients, ecr: Any, environment: Environment
) -> None:
    ensure_placeholders(local_aws, environment)
    secrets = clients("secretsmanager")
    by_name = secrets.get_secret_value(SecretId="ecr-pullthroughcache/hub")
    assert set(json.loads(by_name["SecretString"])) == {"username", "accessToken"}
    exact = environment.pull_through_cache_rules["ghcr"].credential_arn
    assert secrets.describe_secret(SecretId="ecr-pullthroughcache/gh")["ARN"] == exact
    for prefix, arn, url in (("hub", by_name["ARN"], "registry-1.docker.io"), ("ghcr", exact, "ghcr.io")):
        ecr.create_pull_through_cache_rule(ecrRepositoryPrefix=prefix, upstreamRegistryUrl=url, credentialArn=arn)
        assert ecr.validate_pull_through_cache_rule(ecrRepositoryPrefix=prefix)["isValid"] is True


def test_nothing_is_made_twice_nor_changed(local_aws: LocalAws, clients: Clients, environment: Environment) -> None:
    secrets = clients("secretsmanager")
    secrets.create_secret(Name="ecr-pullthroughcache/hub", SecretString='{"username": "mine", "accessToken": "t"}')
    assert "secret ecr-pullthroughcache/hub" not in ensure_placeholders(local_aws, environment)
    assert ensure_placeholders(local_aws, environment) == []
    assert "mine" in secrets.get_secret_value(SecretId="ecr-pullthroughcache/hub")["SecretString"]


def test_what_was_deleted_comes_back(local_aws: LocalAws, clients: Clients, environment: Environment) -> None:
    ensure_placeholders(local_aws, environment)
    clients("iam").delete_role(RoleName="nodes")
    assert ensure_placeholders(local_aws, environment) == ["role nodes"]


def test_an_interface_endpoint_fits_into_the_placeholder_network(
    local_aws: LocalAws, clients: Clients, environment: Environment
) -> None:
    ensure_placeholders(local_aws, environment)
    ec2 = clients("ec2")
    endpoint = ec2.create_vpc_endpoint(
        VpcId=environment.vpc_id,
        ServiceName="com.amazonaws.eu-west-1.ecr.dkr",
        VpcEndpointType="Interface",
        SubnetIds=list(environment.private_subnet_ids),
        SecurityGroupIds=list(environment.endpoint_security_group_ids),
        PrivateDnsEnabled=True,
    )["VpcEndpoint"]
    assert len(endpoint["NetworkInterfaceIds"]) == 3


def test_rosa_environments_get_their_worker_role_and_instance_profiles(
    local_aws: LocalAws, clients: Clients, project: ProjectFactory, account_id: str
) -> None:
    common = f"""
    cluster_name = "rosa"
    account_id = "{account_id}"
    aws_region = "us-east-2"
    create_vpc_endpoints = false
    """
    files = {
        "classic": common + 'platform = "rosa-classic"\nworker_role_prefix = "ManagedOpenShift"',
        "hcp": common + 'platform = "rosa-hcp"\nmachine_pools = { workers = { instance_profile = "rosa-workers" } }',
    }
    folder = project(files)
    ensure_placeholders(local_aws, folder.load("classic"))
    ensure_placeholders(local_aws, folder.load("hcp"))
    iam = clients("iam")
    assert iam.get_role(RoleName="ManagedOpenShift-Worker-Role")
    profile = iam.get_instance_profile(InstanceProfileName="rosa-workers")["InstanceProfile"]
    assert [role["RoleName"] for role in profile["Roles"]] == ["rosa-workers"]
    with refused("InvalidVpcID.NotFound"):
        clients("ec2").describe_vpcs(VpcIds=["vpc-0123456789abcdef1"])
