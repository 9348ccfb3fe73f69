# %%
import torch
import torch.nn.functional as F
from torch import nn
# %%
WIDTH = 16
class Net(nn.Module):
    def __init__(self, width=WIDTH):
        super().__init__()
        self.a, self.b = nn.Linear(4, width), nn.Linear(width, 1)

    def forward(self, x):
        return self.b(F.relu(self.a(x)))
# %%
device = "cpu"
X, y = torch.ones(8, 4), torch.ones(8, 1)
# %%
def epoch(net, optimizer):
    optimizer.zero_grad()
    loss = F.mse_loss(net(X.to(device)), y)
    loss.backward()
    optimizer.step()
    return loss.item()
# %% expect: F Net WIDTH X device epoch nn torch y -> losses net optimizer
net = Net().to(device)
optimizer = torch.optim.Adam(net.parameters())
losses = [epoch(net, optimizer) for _ in range(3)]
# %% expect: F Net WIDTH net nn torch -> copy state
state = {k: v.clone() for k, v in net.state_dict().items()}
copy = Net()
copy.load_state_dict(state)
with torch.no_grad():
    copy.a.weight.zero_()
