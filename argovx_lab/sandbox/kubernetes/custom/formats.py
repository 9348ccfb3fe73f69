"""The formats of texts that are checked; others that the real server knows are refused by name.

Owns :data:`CHECKS`; a format in neither table is no format to the real server and says nothing.
Source: https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#validation
"""

from __future__ import annotations

import base64
import binascii
import ipaddress
import re
from collections.abc import Callable
from datetime import date, datetime

_DATE_TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d([.,]\d+)?([Zz]|[-+]\d\d:?\d\d)")
_DURATION = re.compile(r"[-+]?((\d+(\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h))+|0")
_UUID = "[0-9a-f]{{8}}-?[0-9a-f]{{4}}-?{}[0-9a-f]{{3}}-?{}[0-9a-f]{{3}}-?[0-9a-f]{{12}}"
_HOST = re.compile(
    r"[a-zA-Z0-9]([-a-zA-Z0-9]{0,61}[a-zA-Z0-9])?(\.[a-zA-Z0-9]([-a-zA-Z0-9]{0,61}[a-zA-Z0-9])?)*"
)
_EMAIL = re.compile(r"[^@\s<>]+@[^@\s<>]+|[^<>@]*<[^@\s<>]+@[^@\s<>]+>")
_URI = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*:[^\s]+")
_MAC = re.compile(r"([0-9a-fA-F]{2}[:-]){5}([0-9a-fA-F]{2}[:-]{1}[0-9a-fA-F]{2}[:-])?[0-9a-fA-F]{2}")


def _reads(read: Callable[[str], object]) -> Callable[[str], bool]:
    def check(text: str) -> bool:
        try:
            read(text)
        except (ValueError, binascii.Error):
            return False
        return True

    return check


def _shaped(pattern: re.Pattern[str]) -> Callable[[str], bool]:
    return lambda text: pattern.fullmatch(text) is not None


def _date_time(text: str) -> bool:
    return bool(_DATE_TIME.fullmatch(text)) and _reads(datetime.fromisoformat)(text[:19].upper())


def _date(text: str) -> bool:
    return len(text) == 10 and _reads(date.fromisoformat)(text)


#: Format → whether a text has it.
CHECKS: dict[str, Callable[[str], bool]] = {
    "date-time": _date_time,
    "datetime": _date_time,
    "date": _date,
    "byte": _reads(lambda text: base64.b64decode(text, validate=True)),
    "duration": _shaped(_DURATION),
    "ipv4": _reads(ipaddress.IPv4Address),
    "ipv6": _reads(ipaddress.IPv6Address),
    "cidr": lambda text: "/" in text and _reads(ipaddress.ip_interface)(text),
    "hostname": lambda text: len(text) <= 255 and bool(_HOST.fullmatch(text)),
    "email": _shaped(_EMAIL),
    "uri": _shaped(_URI),
    "mac": _shaped(_MAC),
    "uuid": _shaped(re.compile(_UUID.format("[0-9a-f]", "[0-9a-f]"), re.IGNORECASE)),
    "uuid3": _shaped(re.compile(_UUID.format("3", "[0-9a-f]"), re.IGNORECASE)),
    "uuid4": _shaped(re.compile(_UUID.format("4", "[89ab]"), re.IGNORECASE)),
    "uuid5": _shaped(re.compile(_UUID.format("5", "[89ab]"), re.IGNORECASE)),
    "password": lambda _: True,
}
#: What the real server checks and the sandbox does not.
REFUSED = (
    "bsonobjectid", "creditcard", "hexcolor", "isbn", "isbn10", "isbn13", "rgbcolor", "ssn",
    "k8s-short-name", "k8s-long-name",
)  # fmt: skip
