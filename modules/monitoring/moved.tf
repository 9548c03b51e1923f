# Until the topic had a module of its own, these were here: states of then plan no change.

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
