"""The variables that lead programs to the sandbox: the vendors' clients, pods and jobs.

Owns their names; refuses to read the environment of this process.
Source: google-auth, gRPC core, requests, curl, gcloud and the kubernetes client, each in its own
documentation of environment variables.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from argovx_lab.sandbox.state import Status

#: Hosts that never go through the proxy.
NO_PROXY = "localhost,127.0.0.1,::1"
#: gcsfs, which is what pandas opens gs:// with, reads no proxy variables unless it is told to, and asks a
#: gRPC service that the sandbox does not have whether a bucket has a hierarchical namespace.
#: Source: https://filesystem-spec.readthedocs.io/en/latest/features.html#configuration
_GCSFS = {
    "FSSPEC_GCS": '{"session_kwargs": {"trust_env": true}}',
    "GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT": "false",
}


def network(proxy: str, ca_bundle: str) -> dict[str, str]:
    """Return what any program on this machine needs to reach Google's names in the sandbox.

    Parameters
    ----------
    proxy : str
        URL of the CONNECT proxy.
    ca_bundle : str
        Path of a PEM file with public roots and the sandbox's CA.
    """
    certificates = (
        "REQUESTS_CA_BUNDLE",
        "SSL_CERT_FILE",
        "CURL_CA_BUNDLE",
        "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH",
        "HTTPLIB2_CA_CERTS",
        "NODE_EXTRA_CA_CERTS",
    )
    return {
        "HTTPS_PROXY": proxy,
        "https_proxy": proxy,
        "NO_PROXY": NO_PROXY,
        "no_proxy": NO_PROXY,
        **dict.fromkeys(certificates, ca_bundle),
        **_GCSFS,
    }


def environment(status: Status) -> dict[str, str]:
    """Return what ``argovx sandbox run`` adds to a command's environment, acting as the owner."""
    proxy = urlsplit(status.proxy)
    return {
        **network(status.proxy, status.ca_bundle),
        "KUBECONFIG": status.kubeconfig,
        "GOOGLE_APPLICATION_CREDENTIALS": status.credentials,
        "GOOGLE_CLOUD_PROJECT": status.project,
        "GOOGLE_CLOUD_REGION": status.region,
        "GOOGLE_CLOUD_LOCATION": status.region,
        "CLOUD_ML_PROJECT_ID": status.project,
        "NO_GCE_CHECK": "true",
        "CLOUDSDK_AUTH_CREDENTIAL_FILE_OVERRIDE": status.credentials,
        "CLOUDSDK_CORE_PROJECT": status.project,
        "CLOUDSDK_CORE_CUSTOM_CA_CERTS_FILE": status.ca_bundle,
        "CLOUDSDK_CORE_DISABLE_PROMPTS": "1",
        "CLOUDSDK_CORE_DISABLE_USAGE_REPORTING": "true",
        "CLOUDSDK_AI_REGION": status.region,
        "CLOUDSDK_COMPUTE_REGION": status.region,
        "CLOUDSDK_PROXY_TYPE": "http",
        "CLOUDSDK_PROXY_ADDRESS": proxy.hostname or "",
        "CLOUDSDK_PROXY_PORT": str(proxy.port or ""),
    }
