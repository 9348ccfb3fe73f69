# %%
import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
# %%
SEED = 3
rng = np.random.default_rng(SEED)
X = rng.normal(size=(80, 4))
y = (X[:, 0] + X[:, 1] > 0).astype(int)
# %%
def split(features, target, share=0.75):
    cut = int(len(features) * share)
    return features[:cut], features[cut:], target[:cut], target[cut:]
# %%
X_train, X_test, y_train, y_test = split(X, y)
# %%
model = make_pipeline(StandardScaler(), LogisticRegression(random_state=SEED))
model.fit(X_train, y_train)
# %%
accuracy = float(model.score(X_test, y_test))
wrong = [i for i, (a, b) in enumerate(zip(model.predict(X_test), y_test)) if a != b]
