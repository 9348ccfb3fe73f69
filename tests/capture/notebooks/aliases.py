# %%
import xml.dom.minidom
import xml.etree.ElementTree as ET
import os.path
import collections.abc, json as js
# %%
doc = "<r><a n='1'/><a n='2'/></r>"
# %%
numbers = [int(e.get("n")) for e in ET.fromstring(doc)]
first = xml.dom.minidom.parseString(doc).documentElement.tagName
# %%
def dump(value):
    import base64
    from hashlib import sha256 as h
    return h(base64.b64encode(js.dumps(value).encode())).hexdigest()[:8]
# %%
digest = dump(numbers)
is_list = isinstance(numbers, collections.abc.Sequence)
