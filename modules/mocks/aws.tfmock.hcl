# What AWS answers in the modules' own tests, in which nothing reaches it:
#
#   mock_provider "aws" {
#     source = "../mocks"
#   }
#
# Terraform makes up what is not here. It is here where a made-up value is refused (ARNs) or a test asks for it. A
# test that needs another value states it in its own mock_provider, where it wins.

mock_data "aws_caller_identity" {
  defaults = { account_id = "111122223333" }
}

mock_data "aws_partition" {
  defaults = { partition = "aws", dns_suffix = "amazonaws.com", reverse_dns_prefix = "com.amazonaws" }
}

mock_data "aws_region" {
  defaults = { name = "eu-west-1" }
}

mock_data "aws_iam_instance_profile" {
  defaults = { role_name = "ManagedOpenShift-HCP-ROSA-Worker-Role" }
}

mock_data "aws_secretsmanager_secret" {
  defaults = { arn = "arn:aws:secretsmanager:us-east-1:111122223333:secret:ecr-pullthroughcache/docker-hub-AbCdEf" }
}

mock_resource "aws_cloudwatch_event_rule" {
  defaults = { arn = "arn:aws:events:eu-west-1:111122223333:rule/rule" }
}

mock_resource "aws_cloudwatch_log_group" {
  defaults = { arn = "arn:aws:logs:eu-west-1:111122223333:log-group:/aws/lambda/mocked" }
}

mock_resource "aws_ecr_pull_through_cache_rule" {
  defaults = { registry_id = "111122223333" }
}

mock_resource "aws_ecr_repository" {
  defaults = {
    arn            = "arn:aws:ecr:eu-west-1:111122223333:repository/mocked"
    repository_url = "111122223333.dkr.ecr.eu-west-1.amazonaws.com/mocked"
  }
}

mock_resource "aws_iam_role" {
  defaults = { arn = "arn:aws:iam::111122223333:role/mocked" }
}

mock_resource "aws_lambda_function" {
  defaults = { arn = "arn:aws:lambda:eu-west-1:111122223333:function:mocked" }
}

mock_resource "aws_sns_topic" {
  defaults = { arn = "arn:aws:sns:eu-west-1:111122223333:topic" }
}

mock_resource "aws_sqs_queue" {
  defaults = { arn = "arn:aws:sqs:eu-west-1:111122223333:queue", url = "https://sqs.eu-west-1.amazonaws.com/111122223333/queue" }
}
