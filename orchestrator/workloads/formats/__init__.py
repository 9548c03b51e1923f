"""One finder a file format: text and its name -> the images in it, each with its place. One of the stages of `find`.

`kubernetes` takes every document with a `kind` or the shape of a Pod spec, `helm` the values of charts. `kustomize`,
`compose`, `pipelines` (GitHub Actions, GitLab CI), `dockerfile` and `terraform` take their own files. `orchestrator.workloads.find`
chooses among them.
"""
