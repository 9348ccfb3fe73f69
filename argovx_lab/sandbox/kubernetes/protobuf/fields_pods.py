"""Field numbers of the Pod, as the published API defines them.

Owns numbers, JSON names and types, nothing else. One message a paragraph, one field a word:
``name:type=number``. Types: ``s`` text, ``i`` whole number, ``b`` truth, ``y`` bytes, ``raw`` JSON as
bytes, ``time``, ``microtime``, ``quantity``, ``intstr``, or another message. After the type: ``*`` a list,
``%`` a map from text, ``?`` kept when it is zero, ``!`` likewise, because the type has no ``omitempty``.
``+`` stands for a message whose fields belong to the outer one.
Volumes that need another machine, and ephemeral containers, are left out: what holds them is refused.
Source: https://github.com/kubernetes/api (``generated.proto``, ``types.go`` of each group), 1.34
"""

from __future__ import annotations

TEXT = """
Affinity: nodeAffinity:NodeAffinity?=1 podAffinity:PodAffinity?=2 podAntiAffinity:PodAntiAffinity?=3
AppArmorProfile: type:s!=1 localhostProfile:s?=2
CSIVolumeSource: driver:s!=1 readOnly:b?=2 fsType:s?=3 volumeAttributes:s%=4
    nodePublishSecretRef:LocalObjectReference?=5
Capabilities: add:s*=1 drop:s*=2
ClusterTrustBundleProjection: name:s?=1 signerName:s?=2 labelSelector:LabelSelector?=3 optional:b?=5
    path:s!=4
ConfigMapEnvSource: +:LocalObjectReference=1 optional:b?=2
ConfigMapKeySelector: +:LocalObjectReference=1 key:s!=2 optional:b?=3
ConfigMapProjection: +:LocalObjectReference=1 items:KeyToPath*=2 optional:b?=4
ConfigMapVolumeSource: +:LocalObjectReference=1 items:KeyToPath*=2 defaultMode:i?=3 optional:b?=4
Container: name:s!=1 image:s=2 command:s*=3 args:s*=4 workingDir:s=5 ports:ContainerPort*=6
    envFrom:EnvFromSource*=19 env:EnvVar*=7 resources:ResourceRequirements=8
    resizePolicy:ContainerResizePolicy*=23 restartPolicy:s?=24 restartPolicyRules:ContainerRestartRule*=25
    volumeMounts:VolumeMount*=9 volumeDevices:VolumeDevice*=21 livenessProbe:Probe?=10
    readinessProbe:Probe?=11 startupProbe:Probe?=22 lifecycle:Lifecycle?=12 terminationMessagePath:s=13
    terminationMessagePolicy:s=20 imagePullPolicy:s=14 securityContext:SecurityContext?=15 stdin:b=16
    stdinOnce:b=17 tty:b=18
ContainerExtendedResourceRequest: containerName:s!=1 resourceName:s!=2 requestName:s!=3
ContainerPort: name:s=1 hostPort:i=2 containerPort:i!=3 protocol:s=4 hostIP:s=5
ContainerResizePolicy: resourceName:s!=1 restartPolicy:s!=2
ContainerRestartRule: action:s=1 exitCodes:ContainerRestartRuleOnExitCodes?=2
ContainerRestartRuleOnExitCodes: operator:s=1 values:i*=2
ContainerState: waiting:ContainerStateWaiting?=1 running:ContainerStateRunning?=2
    terminated:ContainerStateTerminated?=3
ContainerStateRunning: startedAt:time=1
ContainerStateTerminated: exitCode:i!=1 signal:i=2 reason:s=3 message:s=4 startedAt:time=5
    finishedAt:time=6 containerID:s=7
ContainerStateWaiting: reason:s=1 message:s=2
ContainerStatus: name:s!=1 state:ContainerState=2 lastState:ContainerState=3 ready:b!=4 restartCount:i!=5
    image:s!=6 imageID:s!=7 containerID:s=8 started:b?=9 allocatedResources:quantity%=10
    resources:ResourceRequirements?=11 volumeMounts:VolumeMountStatus*=12 user:ContainerUser?=13
    allocatedResourcesStatus:ResourceStatus*=14 stopSignal:s?=15
ContainerUser: linux:LinuxContainerUser?=1
DownwardAPIProjection: items:DownwardAPIVolumeFile*=1
DownwardAPIVolumeFile: path:s!=1 fieldRef:ObjectFieldSelector?=2 resourceFieldRef:ResourceFieldSelector?=3
    mode:i?=4
DownwardAPIVolumeSource: items:DownwardAPIVolumeFile*=1 defaultMode:i?=2
EmptyDirVolumeSource: medium:s=1 sizeLimit:quantity?=2
EnvFromSource: prefix:s=1 configMapRef:ConfigMapEnvSource?=2 secretRef:SecretEnvSource?=3
EnvVar: name:s!=1 value:s=2 valueFrom:EnvVarSource?=3
EnvVarSource: fieldRef:ObjectFieldSelector?=1 resourceFieldRef:ResourceFieldSelector?=2
    configMapKeyRef:ConfigMapKeySelector?=3 secretKeyRef:SecretKeySelector?=4
    fileKeyRef:FileKeySelector?=5
ExecAction: command:s*=1
FileKeySelector: volumeName:s!=1 path:s!=2 key:s!=3 optional:b?=4
GRPCAction: port:i!=1 service:s?=2
HTTPGetAction: path:s=1 port:intstr=2 host:s=3 scheme:s=4 httpHeaders:HTTPHeader*=5
HTTPHeader: name:s!=1 value:s!=2
HostAlias: ip:s!=1 hostnames:s*=2
HostIP: ip:s!=1
HostPathVolumeSource: path:s!=1 type:s?=2
ImageVolumeSource: reference:s=1 pullPolicy:s=2
KeyToPath: key:s!=1 path:s!=2 mode:i?=3
Lifecycle: postStart:LifecycleHandler?=1 preStop:LifecycleHandler?=2 stopSignal:s?=3
LifecycleHandler: exec:ExecAction?=1 httpGet:HTTPGetAction?=2 tcpSocket:TCPSocketAction?=3
    sleep:SleepAction?=4
LinuxContainerUser: uid:i!=1 gid:i!=2 supplementalGroups:i*=3
NFSVolumeSource: server:s!=1 path:s!=2 readOnly:b=3
NodeAffinity: requiredDuringSchedulingIgnoredDuringExecution:NodeSelector?=1
    preferredDuringSchedulingIgnoredDuringExecution:PreferredSchedulingTerm*=2
NodeSelector: nodeSelectorTerms:NodeSelectorTerm*=1
NodeSelectorRequirement: key:s!=1 operator:s!=2 values:s*=3
NodeSelectorTerm: matchExpressions:NodeSelectorRequirement*=1 matchFields:NodeSelectorRequirement*=2
ObjectFieldSelector: apiVersion:s=1 fieldPath:s!=2
PersistentVolumeClaimVolumeSource: claimName:s!=1 readOnly:b=2
Pod: metadata:ObjectMeta=1 spec:PodSpec=2 status:PodStatus=3
PodAffinity: requiredDuringSchedulingIgnoredDuringExecution:PodAffinityTerm*=1
    preferredDuringSchedulingIgnoredDuringExecution:WeightedPodAffinityTerm*=2
PodAffinityTerm: labelSelector:LabelSelector?=1 namespaces:s*=2 topologyKey:s!=3
    namespaceSelector:LabelSelector?=4 matchLabelKeys:s*=5 mismatchLabelKeys:s*=6
PodAntiAffinity: requiredDuringSchedulingIgnoredDuringExecution:PodAffinityTerm*=1
    preferredDuringSchedulingIgnoredDuringExecution:WeightedPodAffinityTerm*=2
PodCertificateProjection: signerName:s=1 keyType:s=2 maxExpirationSeconds:i?=3 credentialBundlePath:s=4
    keyPath:s=5 certificateChainPath:s=6
PodCondition: type:s!=1 observedGeneration:i=7 status:s!=2 lastProbeTime:time=3 lastTransitionTime:time=4
    reason:s=5 message:s=6
PodDNSConfig: nameservers:s*=1 searches:s*=2 options:PodDNSConfigOption*=3
PodDNSConfigOption: name:s=1 value:s?=2
PodExtendedResourceClaimStatus: requestMappings:ContainerExtendedResourceRequest*=1 resourceClaimName:s!=2
PodIP: ip:s!=1
PodOS: name:s!=1
PodReadinessGate: conditionType:s!=1
PodResourceClaim: name:s!=1 resourceClaimName:s?=3 resourceClaimTemplateName:s?=4
PodResourceClaimStatus: name:s!=1 resourceClaimName:s?=2
PodSchedulingGate: name:s!=1
PodSecurityContext: seLinuxOptions:SELinuxOptions?=1 windowsOptions:WindowsSecurityContextOptions?=8
    runAsUser:i?=2 runAsGroup:i?=6 runAsNonRoot:b?=3 supplementalGroups:i*=4
    supplementalGroupsPolicy:s?=12 fsGroup:i?=5 sysctls:Sysctl*=7 fsGroupChangePolicy:s?=9
    seccompProfile:SeccompProfile?=10 appArmorProfile:AppArmorProfile?=11 seLinuxChangePolicy:s?=13
PodSpec: volumes:Volume*=1 initContainers:Container*=20 containers:Container*=2 restartPolicy:s=3
    terminationGracePeriodSeconds:i?=4 activeDeadlineSeconds:i?=5 dnsPolicy:s=6 nodeSelector:s%=7
    serviceAccountName:s=8 serviceAccount:s=9 automountServiceAccountToken:b?=21 nodeName:s=10
    hostNetwork:b=11 hostPID:b=12 hostIPC:b=13 shareProcessNamespace:b?=27
    securityContext:PodSecurityContext?=14 imagePullSecrets:LocalObjectReference*=15 hostname:s=16
    subdomain:s=17 affinity:Affinity?=18 schedulerName:s=19 tolerations:Toleration*=22
    hostAliases:HostAlias*=23 priorityClassName:s=24 priority:i?=25 dnsConfig:PodDNSConfig?=26
    readinessGates:PodReadinessGate*=28 runtimeClassName:s?=29 enableServiceLinks:b?=30
    preemptionPolicy:s?=31 overhead:quantity%=32 topologySpreadConstraints:TopologySpreadConstraint*=33
    setHostnameAsFQDN:b?=35 os:PodOS?=36 hostUsers:b?=37 schedulingGates:PodSchedulingGate*=38
    resourceClaims:PodResourceClaim*=39 resources:ResourceRequirements?=40 hostnameOverride:s?=41
PodStatus: observedGeneration:i=17 phase:s=1 conditions:PodCondition*=2 message:s=3 reason:s=4
    nominatedNodeName:s=11 hostIP:s=5 hostIPs:HostIP*=16 podIP:s=6 podIPs:PodIP*=12 startTime:time?=7
    initContainerStatuses:ContainerStatus*=10 containerStatuses:ContainerStatus*=8 qosClass:s=9
    ephemeralContainerStatuses:ContainerStatus*=13 resize:s=14
    resourceClaimStatuses:PodResourceClaimStatus*=15
    extendedResourceClaimStatus:PodExtendedResourceClaimStatus?=18
PreferredSchedulingTerm: weight:i!=1 preference:NodeSelectorTerm=2
Probe: +:ProbeHandler=1 initialDelaySeconds:i=2 timeoutSeconds:i=3 periodSeconds:i=4 successThreshold:i=5
    failureThreshold:i=6 terminationGracePeriodSeconds:i?=7
ProbeHandler: exec:ExecAction?=1 httpGet:HTTPGetAction?=2 tcpSocket:TCPSocketAction?=3 grpc:GRPCAction?=4
ProjectedVolumeSource: sources:VolumeProjection*=1 defaultMode:i?=2
ResourceClaim: name:s!=1 request:s=2
ResourceFieldSelector: containerName:s=1 resource:s!=2 divisor:quantity=3
ResourceHealth: resourceID:s!=1 health:s=2
ResourceRequirements: limits:quantity%=1 requests:quantity%=2 claims:ResourceClaim*=3
ResourceStatus: name:s!=1 resources:ResourceHealth*=2
SELinuxOptions: user:s=1 role:s=2 type:s=3 level:s=4
SeccompProfile: type:s!=1 localhostProfile:s?=2
SecretEnvSource: +:LocalObjectReference=1 optional:b?=2
SecretKeySelector: +:LocalObjectReference=1 key:s!=2 optional:b?=3
SecretProjection: +:LocalObjectReference=1 items:KeyToPath*=2 optional:b?=4
SecretVolumeSource: secretName:s=1 items:KeyToPath*=2 defaultMode:i?=3 optional:b?=4
SecurityContext: capabilities:Capabilities?=1 privileged:b?=2 seLinuxOptions:SELinuxOptions?=3
    windowsOptions:WindowsSecurityContextOptions?=10 runAsUser:i?=4 runAsGroup:i?=8 runAsNonRoot:b?=5
    readOnlyRootFilesystem:b?=6 allowPrivilegeEscalation:b?=7 procMount:s?=9
    seccompProfile:SeccompProfile?=11 appArmorProfile:AppArmorProfile?=12
ServiceAccountTokenProjection: audience:s=1 expirationSeconds:i?=2 path:s!=3
SleepAction: seconds:i!=1
Sysctl: name:s!=1 value:s!=2
TCPSocketAction: port:intstr=1 host:s=2
Toleration: key:s=1 operator:s=2 value:s=3 effect:s=4 tolerationSeconds:i?=5
TopologySpreadConstraint: maxSkew:i!=1 topologyKey:s!=2 whenUnsatisfiable:s!=3
    labelSelector:LabelSelector?=4 minDomains:i?=5 nodeAffinityPolicy:s?=6 nodeTaintsPolicy:s?=7
    matchLabelKeys:s*=8
Volume: name:s!=1 +:VolumeSource=2
VolumeDevice: name:s!=1 devicePath:s!=2
VolumeMount: name:s!=1 readOnly:b=2 recursiveReadOnly:s?=7 mountPath:s!=3 subPath:s=4
    mountPropagation:s?=5 subPathExpr:s=6
VolumeMountStatus: name:s!=1 mountPath:s!=2 readOnly:b=3 recursiveReadOnly:s?=4
VolumeProjection: secret:SecretProjection?=1 downwardAPI:DownwardAPIProjection?=2
    configMap:ConfigMapProjection?=3 serviceAccountToken:ServiceAccountTokenProjection?=4
    clusterTrustBundle:ClusterTrustBundleProjection?=5 podCertificate:PodCertificateProjection?=6
VolumeSource: hostPath:HostPathVolumeSource?=1 emptyDir:EmptyDirVolumeSource?=2
    secret:SecretVolumeSource?=6 nfs:NFSVolumeSource?=7
    persistentVolumeClaim:PersistentVolumeClaimVolumeSource?=10 downwardAPI:DownwardAPIVolumeSource?=16
    configMap:ConfigMapVolumeSource?=19 projected:ProjectedVolumeSource?=26 csi:CSIVolumeSource?=28
    image:ImageVolumeSource?=30
WeightedPodAffinityTerm: weight:i!=1 podAffinityTerm:PodAffinityTerm=2
WindowsSecurityContextOptions: gmsaCredentialSpecName:s?=1 gmsaCredentialSpec:s?=2 runAsUserName:s?=3
    hostProcess:b?=4
"""
