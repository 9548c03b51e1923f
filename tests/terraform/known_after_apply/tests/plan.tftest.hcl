mock_provider "aws" {
  source = "../modules/mocks"
}

run "everything_can_be_planned_at_once" {
  command = plan
}
