# Until the function and the topic had modules of their own, these were here: states of then plan no change.

moved {
  from = aws_lambda_function.this[0]
  to   = module.function[0].aws_lambda_function.this
}

moved {
  from = aws_lambda_function_event_invoke_config.this[0]
  to   = module.function[0].aws_lambda_function_event_invoke_config.this
}

moved {
  from = aws_cloudwatch_log_group.function[0]
  to   = module.function[0].aws_cloudwatch_log_group.this
}

moved {
  from = aws_cloudwatch_event_rule.images[0]
  to   = module.function[0].aws_cloudwatch_event_rule.this["images"]
}

moved {
  from = aws_cloudwatch_event_rule.schedule[0]
  to   = module.function[0].aws_cloudwatch_event_rule.this["schedule"]
}

moved {
  from = aws_cloudwatch_event_rule.sync[0]
  to   = module.function[0].aws_cloudwatch_event_rule.this["sync"]
}

moved {
  from = aws_cloudwatch_event_target.this
  to   = module.function[0].aws_cloudwatch_event_target.this
}

moved {
  from = aws_lambda_permission.events
  to   = module.function[0].aws_lambda_permission.events
}

moved {
  from = aws_sqs_queue.dead[0]
  to   = module.function[0].aws_sqs_queue.dead
}

moved {
  from = aws_iam_role.function[0]
  to   = module.function[0].aws_iam_role.this
}

moved {
  from = aws_iam_role_policy.function[0]
  to   = module.function[0].aws_iam_role_policy.this
}

moved {
  from = aws_sns_topic.this[0]
  to   = module.alarm_topic[0].aws_sns_topic.this
}

moved {
  from = aws_sns_topic_policy.this[0]
  to   = module.alarm_topic[0].aws_sns_topic_policy.this
}

moved {
  from = aws_sns_topic_subscription.email
  to   = module.alarm_topic[0].aws_sns_topic_subscription.email
}
