"""Registries of AWS's own that nodes pull from: EKS add-ons, Bottlerocket's host containers, GuardDuty's
agent, Deep Learning, Marketplace.

`modules/vpc-endpoints/policies.tf` has the same accounts of the first three; a test compares them. Pure.
"""

from __future__ import annotations

from orchestrator.routes.upstreams import PrivateRegistry

# {region: account}; a region that is not named has the last of each pair. EKS user guide, "View Amazon container image
# registries for Amazon EKS add-ons".
EKS_DEFAULT = "602401143452"
EKS = {
    "af-south-1": "877085696533",
    "ap-east-1": "800184023465",
    "ap-east-2": "533267051163",
    "ap-south-2": "900889452093",
    "ap-southeast-3": "296578399912",
    "ap-southeast-4": "491585149902",
    "ap-southeast-5": "151610086707",
    "ap-southeast-6": "333609536671",
    "ap-southeast-7": "121268973566",
    "ca-west-1": "761377655185",
    "cn-north-1": "918309763551",
    "cn-northwest-1": "961992271922",
    "eu-central-2": "900612956339",
    "eu-south-1": "590381155156",
    "eu-south-2": "455263428931",
    "il-central-1": "066635153087",
    "me-central-1": "759879836304",
    "me-south-1": "558608220178",
    "mx-central-1": "730335286997",
    "us-gov-east-1": "151742754352",
    "us-gov-west-1": "013241004608",
}
# bottlerocket-core-kit, schnauzer's ECR_MAP: admin, control and other host containers, and the pause image.
BOTTLEROCKET_DEFAULT = "328549459982"
BOTTLEROCKET = {
    "af-south-1": "917644944286",
    "ap-east-1": "375569722642",
    "ap-south-2": "764716012617",
    "ap-southeast-3": "386774335080",
    "ap-southeast-4": "731751899352",
    "ap-southeast-5": "851725293737",
    "ca-west-1": "253897149516",
    "cn-north-1": "183470599484",
    "cn-northwest-1": "183901325759",
    "eu-central-2": "861738308508",
    "eu-isoe-west-1": "589460436674",
    "eu-south-1": "586180183710",
    "eu-south-2": "620625777247",
    "il-central-1": "288123944683",
    "me-central-1": "553577323255",
    "me-south-1": "509306038620",
    "us-gov-east-1": "388230364387",
    "us-gov-west-1": "347163068887",
}
# Where GuardDuty keeps its agent for EKS, beside EKS's account, which has it since 1.8.1-eksbuild.2. Newer regions have the
# latter alone. GuardDuty user guide, "Amazon ECR repository hosting GuardDuty agent".
GUARDDUTY = {
    "af-south-1": "379032919888",
    "ap-east-1": "790429075973",
    "ap-northeast-1": "781592569369",
    "ap-northeast-2": "732248494576",
    "ap-northeast-3": "810724417379",
    "ap-south-1": "610108029387",
    "ap-south-2": "618745550137",
    "ap-southeast-1": "584580519942",
    "ap-southeast-2": "011662287384",
    "ap-southeast-3": "617474730032",
    "ap-southeast-4": "750462861327",
    "ca-central-1": "001188825231",
    "eu-central-1": "409493279830",
    "eu-central-2": "718440343717",
    "eu-north-1": "366771026645",
    "eu-south-1": "528450769569",
    "eu-south-2": "531047660167",
    "eu-west-1": "673884943994",
    "eu-west-2": "109118265657",
    "eu-west-3": "113643092156",
    "il-central-1": "292660727137",
    "me-central-1": "601769779514",
    "me-south-1": "541829937850",
    "sa-east-1": "941219317354",
    "us-east-1": "031903291036",
    "us-east-2": "591382732059",
    "us-west-1": "373421517865",
    "us-west-2": "039403964562",
}
# The same account in every region that has it.
_EVERYWHERE = {
    "709825985650": "AWS Marketplace",
    "763104351884": "AWS Deep Learning Containers",
}


def eks_account(region: str) -> str:
    """The account that EKS keeps its add-ons' images of a region in."""
    return EKS.get(region, EKS_DEFAULT)


def bottlerocket_account(region: str) -> str:
    """The account that Bottlerocket keeps its host containers of a region in."""
    return BOTTLEROCKET.get(region, BOTTLEROCKET_DEFAULT)


def guardduty_account(region: str) -> str:
    """The account that GuardDuty keeps its agent for EKS of a region in; empty where only EKS's account has it."""
    return GUARDDUTY.get(region, "")


def aws_registry(registry: PrivateRegistry) -> str:
    """Whose registry it is when it is one of AWS's own, such as `Amazon EKS`; empty for any other."""
    if registry.account == eks_account(registry.region):
        return "Amazon EKS"
    if registry.account == bottlerocket_account(registry.region):
        return "Bottlerocket"
    if registry.account == guardduty_account(registry.region):
        return "GuardDuty"
    return _EVERYWHERE.get(registry.account, "")
