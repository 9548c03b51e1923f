"""Every refusal that ECR's service model declares, and what becomes of it here: one table.

`python -m scripts.write_refusals` makes docs/embedded-aws.md of it. A test holds it against botocore's model and makes
each refusal happen. A new exception of AWS's is a failing test and not a silence.
"""

from __future__ import annotations

from dataclasses import dataclass

MODEL = "API model"
REFERENCE = "API reference"
GUIDE = "user guide"


@dataclass(frozen=True, slots=True)
class AwsRefusal:
    """One error of one operation: when it is answered, by which source, and why not where it never is.

    `operation` is `*` for what every operation does alike.
    """

    operation: str
    error: str
    when: str
    source: str
    never: str = ""

    @property
    def made(self) -> bool:
        """Does the embedded AWS answer it?"""
        return not self.never


def _never(operation: str, error: str, why: str) -> AwsRefusal:
    return AwsRefusal(operation, error, "", MODEL, why)


_PUSHED = "ECR asks KMS for the key when the repository is made."
_PULLED = "No upstream is asked for layers or referrers."
_UNPUBLISHED = "The limit is not published."

REFUSALS = (
    # Made alike for every operation.
    _never("*", "ServerException", "A failure of AWS's own; tests ask for it as a fault."),
    AwsRefusal("*", "ValidationException", "a required member is missing", MODEL),
    AwsRefusal("*", "InvalidParameterException", "a member breaks its pattern, enumeration, length or range", MODEL),
    AwsRefusal("*", "RepositoryNotFoundException", "the named repository does not exist", REFERENCE),
    # Rules.
    AwsRefusal("CreatePullThroughCacheRule", "LimitExceededException", "the registry has 50 rules", GUIDE),
    AwsRefusal(
        "CreatePullThroughCacheRule",
        "PullThroughCacheRuleAlreadyExistsException",
        "a rule has that prefix, with or without its slash",
        REFERENCE,
    ),
    AwsRefusal(
        "CreatePullThroughCacheRule",
        "UnsupportedUpstreamRegistryException",
        "ECR has no such upstream, its name does not fit, or it needs credentials",
        GUIDE,
    ),
    AwsRefusal("CreatePullThroughCacheRule", "SecretNotFoundException", "the secret does not exist", REFERENCE),
    AwsRefusal(
        "CreatePullThroughCacheRule",
        "UnableToAccessSecretException",
        "the secret is of another account or region, or of another shape",
        GUIDE,
    ),
    AwsRefusal(
        "CreatePullThroughCacheRule",
        "UnableToDecryptSecretValueException",
        "the secret is encrypted with a customer's key",
        GUIDE,
    ),
    AwsRefusal(
        "CreatePullThroughCacheRule",
        "InvalidParameterException",
        "a member that the upstream does not take, or a role of another account",
        REFERENCE,
    ),
    AwsRefusal(
        "CreatePullThroughCacheRule",
        "ValidationException",
        "China: the feature is disabled; GovCloud: but for ECR registries",
        GUIDE,
    ),
    AwsRefusal(
        "UpdatePullThroughCacheRule",
        "InvalidParameterException",
        "neither credentials nor a role are given, or one that the upstream does not take",
        "API reference of AWS China, which requires credentialArn",
    ),
    AwsRefusal("UpdatePullThroughCacheRule", "SecretNotFoundException", "the secret does not exist", REFERENCE),
    AwsRefusal("UpdatePullThroughCacheRule", "UnableToAccessSecretException", "as at its creation", GUIDE),
    AwsRefusal("UpdatePullThroughCacheRule", "UnableToDecryptSecretValueException", "as at its creation", GUIDE),
    *(
        AwsRefusal(operation, "PullThroughCacheRuleNotFoundException", "there is no such rule", REFERENCE)
        for operation in (
            "DeletePullThroughCacheRule",
            "DescribePullThroughCacheRules",
            "UpdatePullThroughCacheRule",
            "ValidatePullThroughCacheRule",
        )
    ),
    # The registry.
    AwsRefusal(
        "PutRegistryPolicy",
        "InvalidParameterException",
        "it is no policy, or scope V1 does not know an action",
        "user guide; terraform-provider-aws#40933",
    ),
    *(
        AwsRefusal(operation, "RegistryPolicyNotFoundException", "there is none", REFERENCE)
        for operation in ("GetRegistryPolicy", "DeleteRegistryPolicy")
    ),
    AwsRefusal("PutAccountSetting", "InvalidParameterException", "a name or value that ECR does not know", REFERENCE),
    _never("PutAccountSetting", "LimitExceededException", _UNPUBLISHED),
    AwsRefusal(
        "PutRegistryScanningConfiguration",
        "InvalidParameterException",
        "a frequency of the other scan type, or one twice",
        GUIDE,
    ),
    _never("PutRegistryScanningConfiguration", "BlockedByOrganizationPolicyException", "There are no organizations."),
    _never(
        "BatchGetRepositoryScanningConfiguration",
        "RepositoryNotFoundException",
        "The answer lists the failures of single repositories.",
    ),
    AwsRefusal(
        "PutReplicationConfiguration", "InvalidParameterException", "the registry is its own destination", GUIDE
    ),
    AwsRefusal(
        "StartReplicationBackfill", "InvalidParameterException", "no replication rule has the destination", MODEL
    ),
    AwsRefusal(
        "StartReplicationBackfill",
        "ReplicationBackfillInProgressException",
        "one to that destination is under way",
        MODEL,
    ),
    _never("StartReplicationBackfill", "LimitExceededException", _UNPUBLISHED),
    AwsRefusal(
        "DescribeReplicationBackfillResults",
        "ReplicationBackfillNotFoundException",
        "there is no such backfill",
        MODEL,
    ),
    AwsRefusal("RegisterPullTimeUpdateExclusion", "ExclusionAlreadyExistsException", "the role has one", REFERENCE),
    AwsRefusal("RegisterPullTimeUpdateExclusion", "LimitExceededException", "the registry has 100", GUIDE),
    AwsRefusal("DeregisterPullTimeUpdateExclusion", "ExclusionNotFoundException", "the role has none", REFERENCE),
    _never("DeregisterPullTimeUpdateExclusion", "LimitExceededException", "Rates are not counted."),
    _never("ListPullTimeUpdateExclusions", "LimitExceededException", "Rates are not counted."),
    # Templates.
    AwsRefusal("CreateRepositoryCreationTemplate", "TemplateAlreadyExistsException", "the prefix has one", REFERENCE),
    _never("CreateRepositoryCreationTemplate", "LimitExceededException", _UNPUBLISHED),
    AwsRefusal(
        "CreateRepositoryCreationTemplate",
        "InvalidParameterException",
        "policies, mutability and its filters as for a repository",
        REFERENCE,
    ),
    *(
        AwsRefusal(operation, "TemplateNotFoundException", "the prefix has none", REFERENCE)
        for operation in ("DeleteRepositoryCreationTemplate", "UpdateRepositoryCreationTemplate")
    ),
    # Repositories.
    AwsRefusal("CreateRepository", "RepositoryAlreadyExistsException", "the name is taken", REFERENCE),
    AwsRefusal("CreateRepository", "LimitExceededException", "the registry has 100,000", GUIDE),
    AwsRefusal(
        "CreateRepository", "InvalidTagParameterException", "a key is empty, too long or begins with aws:", REFERENCE
    ),
    AwsRefusal("CreateRepository", "TooManyTagsException", "more than 50 tags", REFERENCE),
    AwsRefusal(
        "CreateRepository", "KmsException", "the key does not exist, is disabled or of another region", REFERENCE
    ),
    AwsRefusal("DeleteRepository", "RepositoryNotEmptyException", "it holds images, without force", REFERENCE),
    _never("DeleteRepository", "KmsException", "Grants of a key are not kept."),
    AwsRefusal("TagResource", "InvalidTagParameterException", "as for a new repository", REFERENCE),
    AwsRefusal("TagResource", "TooManyTagsException", "more than 50 tags in all", REFERENCE),
    _never("UntagResource", "InvalidTagParameterException", "A key that is not there is no error."),
    _never("UntagResource", "TooManyTagsException", "Taking tags away makes them fewer."),
    *(
        AwsRefusal(operation, "RepositoryPolicyNotFoundException", "there is none", REFERENCE)
        for operation in ("GetRepositoryPolicy", "DeleteRepositoryPolicy")
    ),
    AwsRefusal("SetRepositoryPolicy", "InvalidParameterException", "it is no policy", GUIDE),
    # Lifecycle policies.
    *(
        AwsRefusal(operation, "LifecyclePolicyNotFoundException", "there is none", REFERENCE)
        for operation in ("GetLifecyclePolicy", "DeleteLifecyclePolicy", "StartLifecyclePolicyPreview")
    ),
    AwsRefusal("GetLifecyclePolicyPreview", "LifecyclePolicyPreviewNotFoundException", "none was started", REFERENCE),
    _never("StartLifecyclePolicyPreview", "LifecyclePolicyPreviewInProgressException", "A preview ends at once."),
    AwsRefusal("PutLifecyclePolicy", "InvalidParameterException", "what `orchestrator validate` refuses, too", GUIDE),
    # Images.
    AwsRefusal("PutImage", "ImageAlreadyExistsException", "digest and tag are there", REFERENCE),
    AwsRefusal("PutImage", "ImageDigestDoesNotMatchException", "the given digest is not the manifest's", REFERENCE),
    AwsRefusal("PutImage", "ImageTagAlreadyExistsException", "an immutable tag names another image", REFERENCE),
    AwsRefusal("PutImage", "ReferencedImagesNotFoundException", "an index names images that are not there", REFERENCE),
    AwsRefusal("PutImage", "LimitExceededException", "an image has 1,000 tags, a repository 100,000 images", GUIDE),
    AwsRefusal("PutImage", "LayersNotFoundException", "a layer was not pushed before", REFERENCE),
    _never("PutImage", "KmsException", _PUSHED),
    AwsRefusal("CompleteLayerUpload", "EmptyUploadException", "no part was sent", REFERENCE),
    AwsRefusal("CompleteLayerUpload", "InvalidLayerException", "the digest is another", REFERENCE),
    AwsRefusal("CompleteLayerUpload", "LayerAlreadyExistsException", "the repository has the layer", REFERENCE),
    AwsRefusal("CompleteLayerUpload", "LayerPartTooSmallException", "a part before the last is below 5 MiB", REFERENCE),
    _never("CompleteLayerUpload", "KmsException", _PUSHED),
    *(
        AwsRefusal(operation, "UploadNotFoundException", "there is no such upload", REFERENCE)
        for operation in ("CompleteLayerUpload", "UploadLayerPart")
    ),
    AwsRefusal("UploadLayerPart", "InvalidLayerPartException", "it does not follow the one before", REFERENCE),
    _never("UploadLayerPart", "KmsException", _PUSHED),
    AwsRefusal(
        "UploadLayerPart", "LimitExceededException", "the layer has more than 4,200 parts, or is too large", GUIDE
    ),
    _never("InitiateLayerUpload", "KmsException", _PUSHED),
    AwsRefusal("GetDownloadUrlForLayer", "LayersNotFoundException", "the repository has no such layer", REFERENCE),
    _never("GetDownloadUrlForLayer", "LayerInaccessibleException", "A layer is there or not."),
    _never("GetDownloadUrlForLayer", "UnableToGetUpstreamLayerException", _PULLED),
    AwsRefusal("BatchGetImage", "UnableToGetUpstreamImageException", "the credentials cannot be used", REFERENCE),
    _never("BatchGetImage", "LimitExceededException", "Rates are not counted."),
    _never("ListImageReferrers", "UnableToListUpstreamImageReferrersException", _PULLED),
    *(
        AwsRefusal(operation, "ImageNotFoundException", "there is no such image", REFERENCE)
        for operation in (
            "DescribeImageScanFindings",
            "DescribeImages",
            "StartImageScan",
            "UpdateImageStorageClass",
        )
    ),
    AwsRefusal("DescribeImageScanFindings", "ScanNotFoundException", "the image was never scanned", REFERENCE),
    AwsRefusal("StartImageScan", "ImageArchivedException", "the image is archived", REFERENCE),
    AwsRefusal("StartImageScan", "UnsupportedImageTypeException", "it is an index", GUIDE),
    AwsRefusal("StartImageScan", "LimitExceededException", "it was scanned less than 24 hours ago", REFERENCE),
    AwsRefusal(
        "StartImageScan",
        "ValidationException",
        "the registry is scanned by Inspector",
        "user guide; ecr-scan-image#44",
    ),
    AwsRefusal(
        "UpdateImageStorageClass",
        "ImageStorageClassUpdateNotSupportedException",
        "the image is in that class",
        REFERENCE,
    ),
)
# Operations that are not served at all: status 501 with their name.
NOT_SERVED = frozenset(
    {
        "DeleteSigningConfiguration",
        "DescribeImageReplicationStatus",
        "DescribeImageSigningStatus",
        "GetSigningConfiguration",
        "PutSigningConfiguration",
        "StopReplicationBackfill",
    }
)
# What AWS may refuse and nobody says: the embedded AWS takes it, and docs/limits.md says so.
UNKNOWN = (
    "Setting `REGISTRY_POLICY_SCOPE` back to V1 while the registry policy has actions of V2.",
    "A policy that names a role or user which does not exist: IAM is asked by AWS, not here.",
    "A `Resource` in a repository's policy, and a condition key that ECR does not know.",
    "How many creation templates a registry holds.",
    "A rule whose prefix lies below another rule's.",
    "A role of a rule or template whose trust policy does not admit ECR: it shows with the first pull.",
    "Rates: throttling is asked for as a fault.",
)
