# %%
import numpy as np
import xgboost as xgb

X, y = np.ones((4, 2)), np.ones(4)
# %%
PARAMS = {"max_depth": 3, "eta": 0.1}
def matrix(features, labels=None):
    return xgb.DMatrix(features, label=labels)
# %% expect: PARAMS X matrix xgb y -> booster
booster = xgb.train(PARAMS, matrix(X, y), num_boost_round=5)
# %% expect: X booster matrix xgb -> scores
scores = booster.predict(matrix(X))
# %% expect: PARAMS X xgb y -> history
history = {eta: xgb.cv({**PARAMS, "eta": eta}, xgb.DMatrix(X, label=y))["test-rmse-mean"].min() for eta in (0.1, 0.3)}
