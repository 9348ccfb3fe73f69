"""Who may do what with objects: one row per principal and verb, on managed folders, and with conditions."""

from __future__ import annotations

import pytest

B = "/storage/v1/b/lab-bucket"
UP = "/upload/storage/v1/b/lab-bucket/o?uploadType=media&name="
MINE, DATA, OTHER = "users%2Fada%2Fmine", "datasets%2Fd%2F1", "users%2Fbob%2Ftheirs"
ACCOUNT = "u-ada@argovx-sandbox.iam.gserviceaccount.com"

VERBS = {
    "get": lambda n: ("GET", f"{B}/o/{n}", b""),
    "media": lambda n: ("GET", f"{B}/o/{n}?alt=media", b""),
    "create": lambda n: ("POST", f"{UP}{n}-new", b"x"),
    "overwrite": lambda n: ("POST", f"{UP}{n}", b"x"),
    "create-only": lambda n: ("POST", f"{UP}{n}&ifGenerationMatch=0", b"x"),
    "patch": lambda n: ("PATCH", f"{B}/o/{n}", {"metadata": {"a": "b"}}),
    "delete": lambda n: ("DELETE", f"{B}/o/{n}", b""),
    "copy": lambda n: ("POST", f"{B}/o/{n}/copyTo/b/lab-bucket/o/{n}-copy", b""),
    "compose": lambda n: (
        "POST",
        f"{B}/o/{n}-whole/compose",
        {"sourceObjects": [{"name": n.replace("%2F", "/")}]},
    ),
    "list": lambda n: ("GET", f"{B}/o?prefix={n.rpartition('%2F')[0]}%2F", b""),
    "missing": lambda n: ("GET", f"{B}/o/{n}-absent", b""),
}

#: principal, object, statuses in the order of VERBS
TABLE = [
    ("owner-ada", MINE, "200 200 200 200 412 200 204 200 200 200 404"),
    ("nb-ada", MINE, "200 200 200 200 412 200 204 200 200 200 404"),
    # the person puts datasets, what runs for them reads
    ("nb-ada", DATA, "200 200 200 200 412 200 204 200 200 200 404"),
    ("nb-ada", OTHER, "403 403 403 403 403 403 403 403 403 403 403"),
    # writes once, and is told 412 when somebody was first
    ("wf-ada", MINE, "200 200 200 403 412 403 403 200 200 200 404"),
    ("wf-ada", DATA, "200 200 403 403 403 403 403 403 403 200 404"),
    (ACCOUNT, MINE, "200 200 200 200 412 200 204 200 200 200 404"),
    (ACCOUNT, DATA, "200 200 403 403 403 403 403 403 403 200 404"),
    (ACCOUNT, OTHER, "403 403 403 403 403 403 403 403 403 403 403"),
    ("nb-bob", MINE, "403 403 403 403 403 403 403 403 403 403 403"),
    (None, MINE, "401 401 401 401 401 401 401 401 401 401 401"),
]


@pytest.mark.parametrize(("who", "name", "statuses"), TABLE)
def test_table(storage, who, name, statuses):
    found = []
    for verb, build in VERBS.items():
        storage.put(name)
        answer = storage.ask(*build(name), account=who)
        found.append(str(answer.status))
        if answer.status in (401, 403):
            assert "(or it may not exist)" in answer.error, verb
    assert " ".join(found) == statuses


def test_how_a_denial_reads(storage):
    storage.put(OTHER)
    answer = storage.get(OTHER, account=ACCOUNT)
    text = (
        f"{ACCOUNT} does not have storage.objects.get access to the Google Cloud Storage object. "
        "Permission 'storage.objects.get' denied on resource (or it may not exist)."
    )
    assert answer.json == {
        "error": {
            "code": 403,
            "message": text,
            "errors": [{"message": text, "domain": "global", "reason": "forbidden"}],
        }
    }
    anonymous = storage.get(OTHER, account=None)
    assert anonymous.json["error"]["errors"][0] == {
        "message": text.replace(ACCOUNT, "Anonymous caller"),
        "domain": "global",
        "reason": "required",
        "locationType": "header",
        "location": "Authorization",
    }
    invalid = storage.get(OTHER, bearer="avx1.unknown")
    assert (invalid.status, invalid.error) == (401, "Invalid Credentials")
    assert invalid.json["error"]["errors"][0]["reason"] == "authError"


def test_condition_on_names_covers_objects_and_not_listing(storage):
    member = "serviceAccount:c@argovx-sandbox.iam.gserviceaccount.com"
    policy = {
        "version": 3,
        "bindings": [
            {
                "role": "roles/storage.objectViewer",
                "members": [member],
                "condition": {
                    "title": "in",
                    "expression": "resource.name.startsWith('projects/_/buckets/lab-bucket/objects/in/')",
                },
            }
        ],
    }
    assert storage.ask("PUT", f"{B}/iam", policy).status == 200
    storage.put("in%2Fa")
    storage.put("out%2Fa")
    who = member.partition(":")[2]
    assert storage.get("in%2Fa", account=who).status == 200
    assert storage.get("out%2Fa", account=who).status == 403
    assert storage.ask("GET", f"{B}/o?prefix=in/", account=who).status == 403
    # who may not list is not told whether a name is there
    assert storage.get("in%2Fabsent", account=who).status == 403


def test_managed_folder_policy_over_http(storage):
    folder = f"{B}/managedFolders/team%2F"
    assert storage.ask("POST", f"{B}/managedFolders", {"name": "team/"}).status == 200
    assert storage.ask("POST", f"{B}/managedFolders", {"name": "team/"}).status == 409
    member = "serviceAccount:t@argovx-sandbox.iam.gserviceaccount.com"
    policy = {"bindings": [{"role": "roles/storage.objectUser", "members": [member]}]}
    assert storage.ask("PUT", f"{folder}/iam", policy).json["bindings"] == policy["bindings"]
    who = member.partition(":")[2]
    assert storage.put("team%2Fa", account=who).status == 200
    assert storage.put("teams", account=who).status == 403
    assert storage.ask("GET", f"{B}/o?prefix=team/", account=who).status == 200
    assert storage.ask("GET", f"{B}/o?prefix=team", account=who).status == 403
    asked = f"{folder}/iam/testPermissions?permissions=storage.objects.get&permissions=storage.buckets.get"
    assert storage.ask("GET", asked, account=who).json["permissions"] == ["storage.objects.get"]
    assert storage.ask("GET", f"{folder}/iam", account=who).status == 403
    assert storage.ask("DELETE", folder).status == 409
    assert storage.ask("DELETE", f"{folder}?allowNonEmpty=true").status == 204
    # the policy went with the folder, and does not come back with a new one of the name
    storage.ask("POST", f"{B}/managedFolders", {"name": "team/"})
    assert storage.get("team%2Fa", account=who).status == 403


def test_managed_folders_are_listed(storage):
    names = [f["name"] for f in storage.ask("GET", f"{B}/managedFolders").json["items"]]
    assert names == ["datasets/", "users/ada/"]
    page = storage.ask("GET", f"{B}/managedFolders?pageSize=1").json
    assert ([f["name"] for f in page["items"]], page["nextPageToken"]) == (["datasets/"], "datasets/")
    rest = storage.ask("GET", f"{B}/managedFolders?pageToken=datasets/").json
    assert [f["name"] for f in rest["items"]] == ["users/ada/"]
    assert storage.ask("GET", f"{B}/managedFolders/users%2Fada%2F").json["name"] == "users/ada/"
    assert storage.ask("GET", f"{B}/managedFolders/absent%2F").status == 404
    assert storage.ask("GET", f"{B}/managedFolders", account="nb-bob").status == 403
    listing = storage.ask("GET", f"{B}/o?delimiter=/&includeFoldersAsPrefixes=true").json
    assert listing["prefixes"] == ["datasets/", "users/"]


@pytest.mark.parametrize("name", ["team", "/team/", "a//b/", "", "a\n/"])
def test_folder_names(storage, name):
    assert storage.ask("POST", f"{B}/managedFolders", {"name": name}).status == 400


def test_policy_of_a_bucket_that_is_gone_does_not_come_back(storage):
    storage.ask("POST", "/storage/v1/b?project=argovx-sandbox", {"name": "fleeting"})
    member = "serviceAccount:t@argovx-sandbox.iam.gserviceaccount.com"
    policy = {"bindings": [{"role": "roles/storage.objectViewer", "members": [member]}]}
    storage.ask("PUT", "/storage/v1/b/fleeting/iam", policy)
    storage.ask("DELETE", "/storage/v1/b/fleeting")
    storage.ask("POST", "/storage/v1/b?project=argovx-sandbox", {"name": "fleeting"})
    assert storage.ask("GET", "/storage/v1/b/fleeting/iam").json["bindings"] == []


def test_scopes_count(storage):
    read = ["https://www.googleapis.com/auth/devstorage.read_only"]
    token = storage.bearer("owner-ada", scopes=read)
    storage.put("a")
    assert storage.get("a", bearer=token).status == 200
    for answer in (storage.put("b", bearer=token), storage.ask("DELETE", f"{B}/o/a", bearer=token)):
        assert answer.status == 403
        assert answer.json["error"]["errors"][0]["reason"] == "insufficientPermissions"


def test_another_project_is_not_ours(storage):
    for project in ("other", "99"):
        answer = storage.ask("POST", f"/storage/v1/b?project={project}", {"name": "somewhere-else"})
        assert answer.status == 403
        assert storage.ask("GET", f"/storage/v1/b?project={project}").status == 403
    assert storage.ask("GET", "/storage/v1/b?project=424242424242").status == 200
