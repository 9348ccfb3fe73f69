# %%
import re
from collections import Counter, defaultdict
# %%
TEXT = """The cat sat. The dog ran; the cat ran after the dog."""
STOP = frozenset({"the", "after"})
WORD = re.compile(r"[a-z]+")
# %%
def tokens(text):
    yield from (w for w in WORD.findall(text.lower()) if w not in STOP)
# %%
counts = Counter(tokens(TEXT))
# %%
pairs = defaultdict(list)
words = list(tokens(TEXT))
for first, second in zip(words, words[1:]):
    pairs[first].append(second)
pairs = dict(pairs)
# %%
longest = max((w for w in words), key=len)
report = "\n".join(f"{w:<{len(longest)}} {'*' * n}" for w, n in counts.most_common(3))
# %%
spans = {m.group(): m.span() for m in WORD.finditer(TEXT) if (n := len(m.group())) > 2 and n < 4}
