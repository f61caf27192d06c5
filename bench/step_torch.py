"""One training step and one encoding pass of the same networks in PyTorch: batches of equally many regions an image, so
that attention is one batched product (PyTorch's best case). --gram computes the structure loss by Gram matrices as we do
instead of over all pairs. Prints one line of key=value."""
import argparse, math, statistics, time
import torch, torch.nn as nn, torch.nn.functional as F

parser = argparse.ArgumentParser()
for name, value in (('threads', 2), ('images', 128), ('regions', 36), ('repeat', 3)):
    parser.add_argument('--' + name, type=int, default=value)
parser.add_argument('--gram', action='store_true')
options = parser.parse_args()
torch.set_num_threads(options.threads)
torch.manual_seed(0)
M, Z, N, K, TAU = 2048, 512, 300, 12385, 0.1
B, I = options.images, options.regions


class Attend(nn.Module):
    def __init__(self, d):
        super().__init__()
        self.qkv, self.o, self.scale = nn.Linear(d, 3 * d), nn.Linear(d, d), 1 / math.sqrt(d)

    def forward(self, x):  # (B, I, d)
        q, k, v = self.qkv(x).chunk(3, -1)
        return x + self.o(torch.bmm(torch.softmax(torch.bmm(q, k.transpose(1, 2)) * self.scale, -1), v))


trunk = nn.Sequential(nn.Linear(M, Z), nn.ReLU(), Attend(Z))
to_mu, to_logvar = nn.Sequential(Attend(Z), nn.LayerNorm(Z)), Attend(Z)
frm = nn.Sequential(nn.Linear(Z, Z), nn.ReLU(), Attend(Z), nn.Linear(Z, M))
mtm = nn.Sequential(nn.Linear(Z, N), nn.ReLU(), Attend(N), Attend(N), nn.Linear(N, N), nn.ReLU(), Attend(N), nn.Linear(N, N))
adam = torch.optim.Adam([p for net in (trunk, to_mu, to_logvar, frm, mtm) for p in net.parameters()], lr=1e-4)

r = torch.rand(B, I, M)
vectors = F.normalize(torch.randn(K, N), dim=1)
labels = (K ** torch.rand(B * I, generator=torch.Generator().manual_seed(6))).long() - 1
distinct, slot, count = torch.unique(labels, return_inverse=True, return_counts=True)


def structure(m, w):
    n = len(m)
    if options.gram:
        e = (w * w).sum(1) - (m * m).sum(1)
        return ((w.T @ w).square().sum() + (m.T @ m).square().sum() - 2 * (w.T @ m).square().sum() - e.square().sum()) / (n * (n - 1))
    e = (w @ w.T - m @ m.T).square()
    return (e.sum() - e.diagonal().sum()) / (n * (n - 1))


def step():
    h = trunk(r)
    mu, logvar = to_mu(h), to_logvar(h)
    r2 = frm(mu + torch.exp(0.5 * logvar) * torch.randn_like(mu))
    w2 = mtm(mu)
    loss = 0.5 * (logvar.exp() + mu * mu - 1 - logvar).sum(-1).mean() + (r - r2).square().sum(-1).mean()
    flat = mu.reshape(-1, Z)
    m, w = F.normalize(flat, dim=1), F.normalize(w2.reshape(-1, N), dim=1)
    word = (1 - (w * vectors[labels]).sum(1)).mean()
    proto = torch.zeros(len(distinct), Z).index_add(0, slot, flat) / count[:, None]
    logit = F.normalize(proto, dim=1) @ m.T / TAU
    contrast = (torch.logsumexp(logit, 1)[slot] - logit[slot, torch.arange(len(slot))]).mean()
    loss = loss + 3 * (word + structure(m, w)) + 3 * contrast
    adam.zero_grad(set_to_none=True)
    loss.backward()
    adam.step()


@torch.inference_mode()
def encode():
    to_mu(trunk(r))


def seconds(work):
    work()
    times = []
    for _ in range(options.repeat):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


print(f'threads={torch.get_num_threads()} regions={B * I} words={len(distinct)} step_seconds={seconds(step):.4f} encode_seconds={seconds(encode):.4f} torch={torch.__version__}')
