"""Says beside a plan which addresses of the VPC its endpoints would not admit. Reads only."""

from __future__ import annotations

from collections.abc import Iterator

from orchestrator.errors import OrchestratorError
from orchestrator.terraform.stack import Stack


def network_notes(stack: Stack) -> Iterator[str]:
    """A note for blocks of the VPC that `vpc_cidr` leaves out. With private DNS, nodes there lose ECR and STS.

    Where AWS does not let us look, the plan goes on: this is a question, and no condition.
    """
    environment = stack.environment
    if not environment.create_vpc_endpoints or environment.vpc_id is None or environment.endpoint_security_group_ids:
        return
    from orchestrator.aws.vpc_blocks import uncovered, vpc_blocks

    try:
        blocks = vpc_blocks(stack.session(), environment.vpc_id)
    except OrchestratorError as error:
        yield f"whether vpc_cidr covers {environment.vpc_id} is not known: {error.what} {error.why}".rstrip()
        return
    left = uncovered(blocks or (), environment.vpc_cidrs)
    if left:
        wanted = ", ".join(f'"{each}"' for each in (*environment.vpc_cidrs, *left))
        yield (
            f"{environment.vpc_id} has the blocks {', '.join(left)} too, which the endpoints' security group would not "
            f"admit. A machine that has an address there reaches neither ECR nor the other endpoints. vpc_cidr = "
            f"[{wanted}] admits it"
        )
