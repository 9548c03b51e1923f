# What the module makes of its input.

mock_provider "aws" {
  source = "../mocks"
}

variables {
  environment = "test"
}

run "the_dashboard_shows_pulls_storage_growth_failures_and_functions" {
  variables {
    prefixes       = ["quay", "docker-hub"]
    repositories   = ["team/app"]
    function_names = ["ecr-lifecycle-manager", "ecr-scan-findings"]
  }

  assert {
    condition = [for widget in jsondecode(output.dashboard_body).widgets : widget.properties.title] == [
      "Pulls below docker-hub/, of 500 repositories at most", "Pulls below quay/, of 500 repositories at most", "Pulls of own images", "Storage of cached images (bytes)", "Growth of the cache (a day)",
      "Repositories and images that ECR counts", "Failures of upstream sync", "Expired images and bytes freed", "Why nothing was expired, and what failed",
      "Calls of the registry (a minute)", "Functions: duration", "Functions: errors", "Functions: throttles",
    ]
    error_message = "wrong graphs: ${jsonencode([for widget in jsondecode(output.dashboard_body).widgets : widget.properties.title])}"
  }

  assert {
    condition     = strcontains(jsondecode(output.dashboard_body).widgets[0].properties.metrics[0][0].expression, "MetricName=\"RepositoryPullCount\" RepositoryName=docker-hub")
    error_message = "wrong search: ${jsonencode(jsondecode(output.dashboard_body).widgets[0])}"
  }

  assert {
    condition     = length(distinct([for widget in jsondecode(output.dashboard_body).widgets : "${widget.x} ${widget.y}"])) == 13 && alltrue([for widget in jsondecode(output.dashboard_body).widgets : widget.properties.region == "eu-west-1" && widget.x + widget.width <= 24])
    error_message = "graphs lie on each other"
  }

  assert {
    condition     = jsondecode(output.dashboard_body).widgets[7].properties.metrics[0] == ["Orchestrator/Lifecycle", "Expired", "Environment", "test"]
    error_message = "wrong metric"
  }

  assert {
    condition     = output.dashboard_name == "ecr-test"
    error_message = "wrong name"
  }
}

run "alarms_are_made_on_request_and_tell_the_topic" {
  variables {
    settings = {
      storage_alarm_gib = 500
      pulls_alarm       = 150000
      emails            = ["platform@example.com"]
    }
  }

  assert {
    condition     = output.alarm_names == tolist(["ecr-test-pulls", "ecr-test-storage"]) && aws_cloudwatch_metric_alarm.this["storage"].threshold == 536870912000 && aws_cloudwatch_metric_alarm.this["pulls"].dimensions.Resource == "GetDownloadUrlForLayer"
    error_message = "wrong alarms"
  }

  assert {
    condition     = alltrue([for alarm in aws_cloudwatch_metric_alarm.this : alarm.alarm_actions == toset([output.topic_arn])]) && length(module.alarm_topic[0].emails) == 1
    error_message = "an alarm that tells nobody"
  }

  assert {
    condition     = alltrue([for alarm in aws_cloudwatch_metric_alarm.this : length(coalesce(alarm.ok_actions, [])) == 0])
    error_message = "somebody is told that an alarm ended"
  }

  assert {
    condition     = { for name, alarm in aws_cloudwatch_metric_alarm.this : name => alarm.treat_missing_data } == { storage = "ignore", pulls = "notBreaching" }
    error_message = "the alarm would end between two runs of the lifecycle manager"
  }

  assert {
    condition     = [for statement in jsondecode(module.alarm_topic[0].policy).Statement : statement.Condition.ArnLike["aws:SourceArn"] if statement.Sid == "Alarms"] == ["arn:aws:cloudwatch:eu-west-1:111122223333:alarm:ecr-test-*"]
    error_message = "alarms of other accounts may publish: ${module.alarm_topic[0].policy}"
  }
}

run "without_alarms_there_is_no_topic" {
  assert {
    condition     = length(module.alarm_topic) + length(aws_cloudwatch_metric_alarm.this) == 0 && output.topic_arn == null
    error_message = "a topic for nothing"
  }
}

run "a_given_topic_is_used" {
  variables {
    create_topic = false
    settings = {
      storage_alarm_gib = 1
      topic_arn         = "arn:aws:sns:eu-west-1:111122223333:ops"
    }
  }

  assert {
    condition     = length(module.alarm_topic) == 0 && aws_cloudwatch_metric_alarm.this["storage"].alarm_actions == toset(["arn:aws:sns:eu-west-1:111122223333:ops"])
    error_message = "another topic"
  }
}

run "nothing_is_made_when_it_is_off" {
  command = plan

  variables {
    create   = false
    settings = { storage_alarm_gib = 1 }
  }

  assert {
    condition     = length(aws_cloudwatch_dashboard.this) + length(aws_cloudwatch_metric_alarm.this) + length(module.alarm_topic) == 0
    error_message = "something is made unasked"
  }
}
