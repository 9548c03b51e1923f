"""An environment in CDK programs: `terrain` for CDK Terrain over the HCL modules, `aws_cdk` for AWS CDK.

Both take an Environment, so that an application's `synth` and the orchestrator agree. `cluster_images` answers for both
where an image is pulled from. `cache_resources` and `manager_resources` are AWS CDK's resources, as CloudFormation writes them.
"""
