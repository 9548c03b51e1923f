"""The only door to boto3: sessions, the account check, upstream secrets, the state bucket, the registry.

Everything here takes an `AwsSession` and returns plain values. A refusal of AWS becomes an `OrchestratorError` that
names the action and the remedy. Import the modules, not this package: no command loads boto3 before it needs it.

The stages of a question: `session` makes the client. `caller` checks whose account it is, the module of the question
asks. `translation` turns a refusal into an error. `deployer_policy` is data: what all these questions need.
"""
