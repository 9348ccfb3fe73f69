"""Schemas of the core and RBAC kinds, as far as the sandbox knows their fields.

Owns field names and types; deep parts that nothing here reads are objects without a closer look.
Source: https://kubernetes.io/docs/reference/kubernetes-api/
"""

from __future__ import annotations

from argovx_lab.sandbox.kubernetes.kinds import (
    ADMISSION_GROUP,
    DEFINITION_RESOURCE,
    LEASES,
    RBAC_GROUP,
    kind_id,
)
from argovx_lab.sandbox.kubernetes.schema import (
    ANY,
    BOOLEAN,
    INT_OR_STRING,
    INTEGER,
    NUMBER,
    OBJECT,
    OBJECTS,
    STRING,
    STRING_MAP,
    STRINGS,
    Lazy,
    List,
    Map,
    OrBoolean,
    Schema,
    Struct,
    Value,
    fields,
)

OWNER = Struct(
    {**fields("apiVersion kind name uid", STRING), **fields("controller blockOwnerDeletion", BOOLEAN)}
)
METADATA = Struct(
    {
        **fields("name generateName namespace uid resourceVersion selfLink", STRING),
        **fields("creationTimestamp deletionTimestamp", STRING),
        **fields("generation deletionGracePeriodSeconds", INTEGER),
        **fields("labels annotations", STRING_MAP),
        "finalizers": STRINGS,
        "ownerReferences": List(OWNER),
        "managedFields": OBJECTS,
    }
)
_KEY = Struct({**fields("name key", STRING), "optional": BOOLEAN}, ("key",))
_FIELD = Struct(fields("apiVersion fieldPath", STRING), ("fieldPath",))
_RESOURCE_FIELD = Struct(
    {**fields("containerName resource", STRING), "divisor": INT_OR_STRING}, ("resource",)
)
_ENV_SOURCE = Struct(
    {
        "configMapKeyRef": _KEY,
        "secretKeyRef": _KEY,
        "fieldRef": _FIELD,
        "resourceFieldRef": _RESOURCE_FIELD,
        "fileKeyRef": OBJECT,
    }
)
ENV = Struct({**fields("name value", STRING), "valueFrom": _ENV_SOURCE}, ("name",))
_REFERENCE = Struct({"name": STRING, "optional": BOOLEAN})
_ENV_FROM = Struct({"prefix": STRING, "configMapRef": _REFERENCE, "secretRef": _REFERENCE})
MOUNT = Struct(
    {
        **fields("name mountPath subPath subPathExpr mountPropagation recursiveReadOnly", STRING),
        "readOnly": BOOLEAN,
    },
    ("name", "mountPath"),
)
_PORT = Struct(
    {**fields("name protocol hostIP", STRING), **fields("containerPort hostPort", INTEGER)},
    ("containerPort",),
)
RESOURCES = Struct({**fields("limits requests", Map(INT_OR_STRING)), "claims": OBJECTS})

CONTAINER_FIELDS: dict[str, Schema] = {
    **fields("name image workingDir imagePullPolicy terminationMessagePath", STRING),
    **fields("terminationMessagePolicy restartPolicy", STRING),
    **fields("command args", STRINGS),
    **fields("stdin stdinOnce tty", BOOLEAN),
    **fields("livenessProbe readinessProbe startupProbe lifecycle securityContext", OBJECT),
    **fields("volumeDevices resizePolicy restartPolicyRules", OBJECTS),
    "env": List(ENV),
    "envFrom": List(_ENV_FROM),
    "volumeMounts": List(MOUNT),
    "ports": List(_PORT),
    "resources": RESOURCES,
}
CONTAINER = Struct(CONTAINER_FIELDS)

_ITEM = Struct({**fields("key path", STRING), "mode": INTEGER}, ("key", "path"))
_FILES: dict[str, Schema] = {"items": List(_ITEM), "optional": BOOLEAN}
_MODE: dict[str, Schema] = {"defaultMode": INTEGER}
_DOWNWARD_ITEM = Struct(
    {"path": STRING, "mode": INTEGER, "fieldRef": _FIELD, "resourceFieldRef": _RESOURCE_FIELD}, ("path",)
)
_TOKEN = Struct({**fields("audience path", STRING), "expirationSeconds": INTEGER}, ("path",))
_SOURCE = Struct(
    {
        "serviceAccountToken": _TOKEN,
        "configMap": Struct({"name": STRING, **_FILES}),
        "secret": Struct({"name": STRING, **_FILES}),
        "downwardAPI": Struct({"items": List(_DOWNWARD_ITEM)}),
        **fields("clusterTrustBundle podCertificate", OBJECT),
    }
)
VOLUME = Struct(
    {
        "name": STRING,
        "emptyDir": Struct({"medium": STRING, "sizeLimit": INT_OR_STRING}),
        "configMap": Struct({"name": STRING, **_FILES, **_MODE}),
        "secret": Struct({"secretName": STRING, **_FILES, **_MODE}),
        "downwardAPI": Struct({"items": List(_DOWNWARD_ITEM), **_MODE}),
        "projected": Struct({"sources": List(_SOURCE), "defaultMode": INTEGER}),
        "hostPath": Struct(fields("path type", STRING), ("path",)),
        "persistentVolumeClaim": Struct({"claimName": STRING, "readOnly": BOOLEAN}, ("claimName",)),
        **fields("awsElasticBlockStore azureDisk azureFile cephfs cinder csi ephemeral fc", OBJECT),
        **fields("flexVolume flocker gcePersistentDisk gitRepo glusterfs image iscsi nfs", OBJECT),
        **fields("photonPersistentDisk portworxVolume quobyte rbd scaleIO storageos", OBJECT),
        "vsphereVolume": OBJECT,
    },
    ("name",),
)
POD_SPEC = Struct(
    {
        **fields("restartPolicy serviceAccountName serviceAccount nodeName hostname subdomain", STRING),
        **fields("schedulerName priorityClassName preemptionPolicy runtimeClassName dnsPolicy", STRING),
        **fields("hostnameOverride", STRING),
        **fields("activeDeadlineSeconds terminationGracePeriodSeconds priority", INTEGER),
        **fields("automountServiceAccountToken hostNetwork hostPID hostIPC hostUsers", BOOLEAN),
        **fields("shareProcessNamespace enableServiceLinks setHostnameAsFQDN", BOOLEAN),
        **fields("affinity securityContext dnsConfig overhead os resources", OBJECT),
        **fields("tolerations hostAliases imagePullSecrets readinessGates schedulingGates", OBJECTS),
        **fields("topologySpreadConstraints resourceClaims ephemeralContainers", OBJECTS),
        "nodeSelector": STRING_MAP,
        "containers": List(CONTAINER),
        "initContainers": List(CONTAINER),
        "volumes": List(VOLUME),
    }
)
_POD_STATUS = Struct(
    {
        **fields("phase reason message hostIP podIP qosClass nominatedNodeName startTime resize", STRING),
        "observedGeneration": INTEGER,
        **fields("conditions containerStatuses initContainerStatuses podIPs hostIPs", OBJECTS),
        **fields("ephemeralContainerStatuses resourceClaimStatuses", OBJECTS),
        "extendedResourceClaimStatus": OBJECT,
    }
)
_RULE = Struct(
    fields("apiGroups resources resourceNames verbs nonResourceURLs", STRINGS),
)
_SUBJECT = Struct(fields("kind apiGroup name namespace", STRING))
_ROLE_REF = Struct(fields("kind apiGroup name", STRING))
_BINDING: dict[str, Schema] = {"subjects": List(_SUBJECT), "roleRef": _ROLE_REF}


_RULES = List(
    Struct(
        {
            **fields("apiGroups apiVersions operations resources resourceNames", STRINGS),
            "scope": Value("string", enum=("*", "Cluster", "Namespaced")),
        }
    )
)
_MATCH = Struct(
    {
        "resourceRules": _RULES,
        "excludeResourceRules": _RULES,
        "matchPolicy": Value("string", enum=("Exact", "Equivalent")),
        **fields("namespaceSelector objectSelector", OBJECT),
    }
)
_POLICY = Struct(
    {
        "failurePolicy": Value("string", enum=("Fail", "Ignore")),
        "paramKind": Struct(fields("apiVersion kind", STRING)),
        "matchConstraints": _MATCH,
        "matchConditions": List(Struct(fields("name expression", STRING), ("name", "expression"))),
        "validations": List(
            Struct(fields("expression message messageExpression reason", STRING), ("expression",))
        ),
        "variables": List(Struct(fields("name expression", STRING), ("name", "expression"))),
        "auditAnnotations": OBJECTS,
    }
)
_POLICY_BINDING = Struct(
    {
        "policyName": STRING,
        "paramRef": Struct({**fields("name namespace parameterNotFoundAction", STRING), "selector": OBJECT}),
        "matchResources": _MATCH,
        "validationActions": List(Value("string", enum=("Deny", "Warn", "Audit"))),
    }
)


_JSON_SCHEMA = Lazy()
_JSON_SCHEMAS = List(_JSON_SCHEMA)
_JSON_SCHEMA.inner.append(
    Struct(
        {
            **fields("$ref $schema description format id pattern title type", STRING),
            **fields("x-kubernetes-list-type x-kubernetes-map-type", STRING),
            **fields("exclusiveMaximum exclusiveMinimum nullable uniqueItems", BOOLEAN),
            **fields("x-kubernetes-embedded-resource x-kubernetes-int-or-string", BOOLEAN),
            "x-kubernetes-preserve-unknown-fields": BOOLEAN,
            **fields("maxItems maxLength maxProperties minItems minLength minProperties", INTEGER),
            **fields("maximum minimum multipleOf", NUMBER),
            **fields("required x-kubernetes-list-map-keys", STRINGS),
            **fields("default example", ANY),
            **fields("definitions dependencies externalDocs", OBJECT),
            "enum": List(ANY),
            **fields("allOf anyOf oneOf", _JSON_SCHEMAS),
            **fields("items not", _JSON_SCHEMA),
            **fields("additionalItems additionalProperties", OrBoolean(_JSON_SCHEMA)),
            **fields("patternProperties properties", Map(_JSON_SCHEMA)),
            "x-kubernetes-validations": List(
                Struct(
                    {
                        **fields("fieldPath message messageExpression reason rule", STRING),
                        "optionalOldSelf": BOOLEAN,
                    }
                )
            ),
        }
    )
)
_COLUMN = Struct({**fields("description format jsonPath name type", STRING), "priority": INTEGER})
_NAMES = Struct(
    {**fields("kind listKind plural singular", STRING), **fields("categories shortNames", STRINGS)}
)
_DEFINITION = Struct(
    {
        **fields("group scope", STRING),
        "names": _NAMES,
        "preserveUnknownFields": BOOLEAN,
        "conversion": Struct({"strategy": STRING, "webhook": OBJECT}),
        "versions": List(
            Struct(
                {
                    **fields("name deprecationWarning", STRING),
                    **fields("served storage deprecated", BOOLEAN),
                    "schema": Struct({"openAPIV3Schema": _JSON_SCHEMA}),
                    "subresources": Struct(fields("status scale", OBJECT)),
                    "additionalPrinterColumns": List(_COLUMN),
                    "selectableFields": List(Struct({"jsonPath": STRING})),
                }
            )
        ),
    }
)


def _kind(**content: Schema) -> Struct:
    return Struct({**fields("apiVersion kind", STRING), "metadata": METADATA, **content})


#: By the kind's id in the store.
SCHEMAS: dict[str, Struct] = {
    "pods": _kind(spec=POD_SPEC, status=_POD_STATUS),
    "namespaces": _kind(
        spec=Struct({"finalizers": STRINGS}), status=Struct({"phase": STRING, "conditions": OBJECTS})
    ),
    "configmaps": _kind(data=STRING_MAP, binaryData=STRING_MAP, immutable=BOOLEAN),
    "secrets": _kind(data=STRING_MAP, stringData=STRING_MAP, type=STRING, immutable=BOOLEAN),
    "serviceaccounts": _kind(secrets=OBJECTS, imagePullSecrets=OBJECTS, automountServiceAccountToken=BOOLEAN),
    "events": _kind(
        involvedObject=Struct(fields("kind namespace name uid apiVersion resourceVersion fieldPath", STRING)),
        related=OBJECT,
        source=Struct(fields("component host", STRING)),
        series=ANY,
        count=INTEGER,
        **fields("reason message type firstTimestamp lastTimestamp eventTime action", STRING),
        **fields("reportingComponent reportingInstance", STRING),
    ),
    f"validatingadmissionpolicies.{ADMISSION_GROUP}": _kind(spec=_POLICY, status=OBJECT),
    f"validatingadmissionpolicybindings.{ADMISSION_GROUP}": _kind(spec=_POLICY_BINDING),
    kind_id(DEFINITION_RESOURCE): _kind(spec=_DEFINITION, status=OBJECT),
    "resourcequotas": _kind(
        spec=Struct({"hard": Map(INT_OR_STRING), "scopes": STRINGS, "scopeSelector": OBJECT}), status=OBJECT
    ),
    kind_id(LEASES): _kind(
        spec=Struct(
            {
                **fields("holderIdentity acquireTime renewTime strategy preferredHolder", STRING),
                **fields("leaseDurationSeconds leaseTransitions", INTEGER),
            }
        )
    ),
    f"roles.{RBAC_GROUP}": _kind(rules=List(_RULE)),
    f"clusterroles.{RBAC_GROUP}": _kind(rules=List(_RULE), aggregationRule=OBJECT),
    f"rolebindings.{RBAC_GROUP}": _kind(**_BINDING),
    f"clusterrolebindings.{RBAC_GROUP}": _kind(**_BINDING),
}
