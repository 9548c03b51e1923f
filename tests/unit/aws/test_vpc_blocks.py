"""Which blocks of a VPC would the endpoints' security group not admit?"""

from __future__ import annotations

import pytest

from orchestrator.aws.vpc_blocks import uncovered

# {name: (blocks of the VPC, vpc_cidr, left out)}
CASES = {
    "the one block": (["10.0.0.0/16"], ["10.0.0.0/16"], ()),
    "a secondary block": (["10.0.0.0/16", "100.64.0.0/16"], ["10.0.0.0/16"], ("100.64.0.0/16",)),
    "IPv6": (["10.0.0.0/16", "2600:1f13::/56"], ["10.0.0.0/16"], ("2600:1f13::/56",)),
    "all of them": (["10.0.0.0/16", "2600:1f13::/56"], ["10.0.0.0/16", "2600:1f13::/56"], ()),
    "a company's range": (["10.3.0.0/16", "10.9.0.0/20"], ["10.0.0.0/8"], ()),
    "two halves": (["10.0.0.0/16"], ["10.0.0.0/17", "10.0.128.0/17"], ()),
    "one half": (["10.0.0.0/16"], ["10.0.0.0/17"], ("10.0.0.0/16",)),
    "another VPC's": (["10.0.0.0/16"], ["10.1.0.0/16"], ("10.0.0.0/16",)),
}


@pytest.mark.parametrize("name", CASES)
def test_blocks_that_are_left_out_are_named(name: str) -> None:
    blocks, admitted, left = CASES[name]
    assert uncovered(blocks, admitted) == left
