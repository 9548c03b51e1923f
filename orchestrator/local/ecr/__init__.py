"""Amazon ECR's control plane, in memory, with AWS's own refusals.

It stands in front of moto's ECR, which has neither pull-through caches, creation templates, pull times, lifecycle
semantics nor paging. Every request and every answer is checked against botocore's model of the service.

The stages of a call: `service` checks the request and finds the registry (`holdings`). A module `*_api` answers or raises
an `ecr_error`. `service` checks the answer. `aws_refusals` is the table of what may be refused.
"""
