# %%
import numpy as np
from PIL import Image, ImageFilter
# %%
SIZE = (16, 12)
grid = (np.add.outer(np.arange(SIZE[1]), np.arange(SIZE[0])) * 9).astype("uint8")
# %%
image = Image.fromarray(grid)
small = image.resize((SIZE[0] // 2, SIZE[1] // 2))
# %%
def edges(picture, radius=1):
    return np.asarray(picture.filter(ImageFilter.GaussianBlur(radius)), dtype=int)
# %%
blurred = edges(image)
contrast = int(blurred.max() - blurred.min())
# %%
noisy = grid.copy()
noisy[2:4, ::2] = 255
bright, *_ = np.where(noisy == 255)
rows = sorted(set(bright.tolist()))
# %%
patches = [noisy[i : i + 4, j : j + 4].mean() for i in range(0, SIZE[1], 4) for j in range(0, SIZE[0], 4)]
