"""Answers in both wire forms, and what is kept of them.

Owns the last step of a call: from a handler's plain dict to the bytes of REST or gRPC. Documents of the store
are replaced and never changed, so one that is the same object has the same form: a job that is polled is
rendered once, and a list of a hundred jobs is put together from a hundred finished pieces.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from argovx_lab.sandbox.google.messages import SPECIAL, camel, from_dict, message_class, to_json

Document = dict[str, Any]
#: Forms that are kept; the oldest go.
RENDERED_MAX = 4096
#: Documents that were answered once and are not kept yet; those of no store never come again.
_ONCE_MAX = 256

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


class Rendered:
    """Renders answers."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[int, str], tuple[Document, Any]] = OrderedDict()
        self._once: OrderedDict[tuple[int, str], None] = OrderedDict()

    def wire(self, name: str, value: Document) -> bytes:
        """Return the binary form of a handler's answer."""
        rest, lists = _parts(name, value)
        if not lists:
            form: bytes = self._whole(
                f"wire {name}", value, lambda: from_dict(name, value).SerializeToString()
            )
            return form
        message = from_dict(name, rest)
        for field, kind, items in lists:
            target = getattr(message, field)
            for item in items:
                data = self._piece(kind, item, lambda k=kind, i=item: from_dict(k, i).SerializeToString())  # type: ignore[misc]
                target.add().ParseFromString(data)
        return bytes(message.SerializeToString())

    def rest(self, name: str, value: Document, *, int_enums: bool) -> bytes:
        """Return the REST form of a handler's answer."""

        def made(kind: str, document: Document) -> str:
            return _encode(to_json(from_dict(kind, document), int_enums=int_enums))

        rest, lists = _parts(name, value)
        form = "json int" if int_enums else "json"
        if not lists:
            whole: str = self._whole(f"{form} {name}", value, lambda: made(name, value))
            return whole.encode()
        members = [made(name, rest)[1:-1]]
        for field, kind, items in lists:
            pieces = [self._piece(f"{form} {kind}", i, lambda k=kind, i=i: made(k, i)) for i in items]  # type: ignore[misc]
            members.append(f'"{camel(field)}":[{",".join(pieces)}]' if pieces else "")
        return ("{" + ",".join(filter(None, members)) + "}").encode()

    def _whole(self, form: str, document: Document, make: Callable[[], Any]) -> Any:
        """Return the form of a whole answer; it is kept from its second time on."""
        key = (id(document), form)
        found = self._kept.get(key)
        if found is not None and found[0] is document:
            self._kept.move_to_end(key)
            return found[1]
        if key in self._once:
            return self._piece(form, document, make)
        self._once[key] = None
        if len(self._once) > _ONCE_MAX:
            self._once.popitem(last=False)
        return make()

    def _piece(self, form: str, document: Document, make: Callable[[], Any]) -> Any:
        key = (id(document), form)
        found = self._kept.get(key)
        if found is not None and found[0] is document:
            self._kept.move_to_end(key)
            return found[1]
        # the document is kept beside its form, so that its id stays its own
        made = make()
        self._kept[key] = (document, made)
        if len(self._kept) > RENDERED_MAX:
            self._kept.popitem(last=False)
        return made


def _parts(
    name: str, value: dict[str, Any]
) -> tuple[dict[str, Any], list[tuple[str, str, list[dict[str, Any]]]]]:
    """Split an answer into its lists of messages and the rest."""
    fields = message_class(name).DESCRIPTOR.fields_by_name
    rest, lists = {}, []
    for key, item in value.items():
        field = fields.get(key)
        kind = field.message_type if field is not None and field.is_repeated else None
        if (
            kind is None
            or kind.GetOptions().map_entry
            or kind.full_name in SPECIAL
            or not isinstance(item, list)
        ):
            rest[key] = item
        else:
            lists.append((key, kind.full_name, item))
    return rest, lists
