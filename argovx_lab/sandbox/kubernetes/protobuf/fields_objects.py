"""Field numbers of the metadata and of the kinds other than Pod, as the published API defines them.

Owns numbers, JSON names and types, nothing else. One message a paragraph, one field a word:
``name:type=number``. Types: ``s`` text, ``i`` whole number, ``b`` truth, ``y`` bytes, ``raw`` JSON as
bytes, ``time``, ``microtime``, ``quantity``, ``intstr``, or another message. After the type: ``*`` a list,
``%`` a map from text, ``?`` kept when it is zero, ``!`` likewise, because the type has no ``omitempty``.
``+`` stands for a message whose fields belong to the outer one.
Source: https://github.com/kubernetes/api (``generated.proto``, ``types.go`` of each group), 1.34
"""

from __future__ import annotations

TEXT = """
AggregationRule: clusterRoleSelectors:LabelSelector*=1
Binding: metadata:ObjectMeta=1 target:ObjectReference=2
BoundObjectReference: kind:s=1 apiVersion:s=2 name:s=3 uid:s=4
ClusterRole: metadata:ObjectMeta=1 rules:PolicyRule*=2 aggregationRule:AggregationRule?=3
ClusterRoleBinding: metadata:ObjectMeta=1 subjects:Subject*=2 roleRef:RoleRef=3
ConfigMap: metadata:ObjectMeta=1 immutable:b?=4 data:s%=2 binaryData:y%=3
DeleteOptions: gracePeriodSeconds:i?=1 preconditions:Preconditions?=2 orphanDependents:b?=3
    propagationPolicy:s?=4 dryRun:s*=5 ignoreStoreReadErrorWithClusterBreakingPotential:b?=6
Event: metadata:ObjectMeta=1 involvedObject:ObjectReference=2 reason:s=3 message:s=4 source:EventSource=5
    firstTimestamp:time=6 lastTimestamp:time=7 count:i=8 type:s=9 eventTime:microtime=10
    series:EventSeries?=11 action:s=12 related:ObjectReference?=13 reportingComponent:s!=14
    reportingInstance:s!=15
EventSeries: count:i=1 lastObservedTime:microtime=2
EventSource: component:s=1 host:s=2
Eviction: metadata:ObjectMeta=1 deleteOptions:DeleteOptions?=2
FieldSelectorAttributes: rawSelector:s=1 requirements:FieldSelectorRequirement*=2
FieldSelectorRequirement: key:s!=1 operator:s!=2 values:s*=3
LabelSelector: matchLabels:s%=1 matchExpressions:LabelSelectorRequirement*=2
LabelSelectorAttributes: rawSelector:s=1 requirements:LabelSelectorRequirement*=2
LabelSelectorRequirement: key:s!=1 operator:s!=2 values:s*=3
Lease: metadata:ObjectMeta=1 spec:LeaseSpec=2
LeaseSpec: holderIdentity:s?=1 leaseDurationSeconds:i?=2 acquireTime:microtime?=3 renewTime:microtime?=4
    leaseTransitions:i?=5 strategy:s?=6 preferredHolder:s?=7
LocalObjectReference: name:s=1
ManagedFieldsEntry: manager:s=1 operation:s=2 apiVersion:s=3 time:time?=4 fieldsType:s=6 fieldsV1:raw?=7
    subresource:s=8
Namespace: metadata:ObjectMeta=1 spec:NamespaceSpec=2 status:NamespaceStatus=3
NamespaceCondition: type:s!=1 status:s!=2 lastTransitionTime:time=4 reason:s=5 message:s=6
NamespaceSpec: finalizers:s*=1
NamespaceStatus: phase:s=1 conditions:NamespaceCondition*=2
NonResourceAttributes: path:s=1 verb:s=2
NonResourceRule: verbs:s*=1 nonResourceURLs:s*=2
ObjectMeta: name:s=1 generateName:s=2 namespace:s=3 selfLink:s=4 uid:s=5 resourceVersion:s=6
    generation:i=7 creationTimestamp:time=8 deletionTimestamp:time?=9 deletionGracePeriodSeconds:i?=10
    labels:s%=11 annotations:s%=12 ownerReferences:OwnerReference*=13 finalizers:s*=14
    managedFields:ManagedFieldsEntry*=17
ObjectReference: kind:s=1 namespace:s=2 name:s=3 uid:s=4 apiVersion:s=5 resourceVersion:s=6 fieldPath:s=7
OwnerReference: apiVersion:s!=5 kind:s!=1 name:s!=3 uid:s!=4 controller:b?=6 blockOwnerDeletion:b?=7
PolicyRule: verbs:s*=1 apiGroups:s*=2 resources:s*=3 resourceNames:s*=4 nonResourceURLs:s*=5
Preconditions: uid:s?=1 resourceVersion:s?=2
ResourceAttributes: namespace:s=1 verb:s=2 group:s=3 version:s=4 resource:s=5 subresource:s=6 name:s=7
    fieldSelector:FieldSelectorAttributes?=8 labelSelector:LabelSelectorAttributes?=9
ResourceQuota: metadata:ObjectMeta=1 spec:ResourceQuotaSpec=2 status:ResourceQuotaStatus=3
ResourceQuotaSpec: hard:quantity%=1 scopes:s*=2 scopeSelector:ScopeSelector?=3
ResourceQuotaStatus: hard:quantity%=1 used:quantity%=2
ResourceRule: verbs:s*=1 apiGroups:s*=2 resources:s*=3 resourceNames:s*=4
Role: metadata:ObjectMeta=1 rules:PolicyRule*=2
RoleBinding: metadata:ObjectMeta=1 subjects:Subject*=2 roleRef:RoleRef=3
RoleRef: apiGroup:s!=1 kind:s!=2 name:s!=3
ScopeSelector: matchExpressions:ScopedResourceSelectorRequirement*=1
ScopedResourceSelectorRequirement: scopeName:s!=1 operator:s!=2 values:s*=3
Secret: metadata:ObjectMeta=1 immutable:b?=5 data:y%=2 stringData:s%=4 type:s=3
SelfSubjectAccessReview: metadata:ObjectMeta=1 spec:SelfSubjectAccessReviewSpec=2
    status:SubjectAccessReviewStatus=3
SelfSubjectAccessReviewSpec: resourceAttributes:ResourceAttributes?=1
    nonResourceAttributes:NonResourceAttributes?=2
SelfSubjectReview: metadata:ObjectMeta=1 status:SelfSubjectReviewStatus=2
SelfSubjectReviewStatus: userInfo:UserInfo=1
SelfSubjectRulesReview: metadata:ObjectMeta=1 spec:SelfSubjectRulesReviewSpec=2
    status:SubjectRulesReviewStatus=3
SelfSubjectRulesReviewSpec: namespace:s=1
ServiceAccount: metadata:ObjectMeta=1 secrets:ObjectReference*=2 imagePullSecrets:LocalObjectReference*=3
    automountServiceAccountToken:b?=4
Subject: kind:s!=1 apiGroup:s=2 name:s!=3 namespace:s=4
SubjectAccessReviewStatus: allowed:b!=1 denied:b=4 reason:s=2 evaluationError:s=3
SubjectRulesReviewStatus: resourceRules:ResourceRule*=1 nonResourceRules:NonResourceRule*=2
    incomplete:b!=3 evaluationError:s=4
TokenRequest: metadata:ObjectMeta=1 spec:TokenRequestSpec=2 status:TokenRequestStatus=3
TokenRequestSpec: audiences:s*=1 expirationSeconds:i?=4 boundObjectRef:BoundObjectReference?=3
TokenRequestStatus: token:s!=1 expirationTimestamp:time=2
TokenReview: metadata:ObjectMeta=1 spec:TokenReviewSpec=2 status:TokenReviewStatus=3
TokenReviewSpec: token:s=1 audiences:s*=2
TokenReviewStatus: authenticated:b=1 user:UserInfo=2 audiences:s*=4 error:s=3
UserInfo: username:s=1 uid:s=2 groups:s*=3
"""
