terraform {
  # 1.9: a variable's validation may look at other values of the module.
  required_version = ">= 1.9"
}
