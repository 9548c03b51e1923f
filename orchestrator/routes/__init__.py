"""Where an image lives in ECR: references, upstreams, sources and the table that decides. Pure."""
