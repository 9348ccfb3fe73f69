# %%
import math
# %%
docs = {"a": "red fish blue fish", "b": "old fish new fish", "c": "blue car"}
# %%
def idf(word, corpus):
    return math.log(len(corpus) / sum(word in d.split() for d in corpus.values()))

def tf(word, doc): return doc.split().count(word)
# %%
scores = {k: {w: tf(w, d) * idf(w, docs) for w in sorted(set(d.split()))} for k, d in docs.items()}
# %%
def top(name, n=1, *, table=scores):
    return sorted(table[name], key=lambda w: (-table[name][w], w))[:n]
# %%
best = [top(k) for k in docs]
labels = dict(map(lambda k: (k, top(k)[0]), docs))
