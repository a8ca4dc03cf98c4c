"""Networks of PyTorch: LeNet and ResNet-8, which `models` has too, and one with depthwise convolutions."""

import pytest

torch = pytest.importorskip("torch", reason="PyTorch is what models come from (the extra 'peers')")
tnn = torch.nn
torch.set_num_threads(1)  # arrays this small gain nothing from more

# where the parts of `models.resnet8` are in `ResNet8`
RESNET_NAMES = {
    "block1.block": "block1", "block2.block": "block2", "block2.shortcut": "block2.around",
    "block3.block": "block3", "block3.shortcut": "block3.around",
}  # fmt: skip


class LeNet(tnn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = tnn.Conv2d(1, 6, 5, padding=2), tnn.Conv2d(6, 16, 5)
        self.dense1, self.dense2, self.dense3 = tnn.Linear(400, 120), tnn.Linear(120, 84), tnn.Linear(84, 10)

    def forward(self, x):
        for conv in (self.conv1, self.conv2):
            x = torch.max_pool2d(torch.relu(conv(x)), 2)
        return self.dense3(torch.relu(self.dense2(torch.relu(self.dense1(x.flatten(1))))))


class Block(tnn.Module):
    def __init__(self, before, after, stride):
        super().__init__()
        self.conv1 = tnn.Conv2d(before, after, 3, stride, 1, bias=False)
        self.norm1 = tnn.BatchNorm2d(after)
        self.conv2 = tnn.Conv2d(after, after, 3, 1, 1, bias=False)
        self.norm2 = tnn.BatchNorm2d(after)
        if stride > 1:
            self.around = tnn.Module()
            self.around.conv = tnn.Conv2d(before, after, 1, stride, bias=False)
            self.around.norm = tnn.BatchNorm2d(after)

    def forward(self, x):
        y = self.norm2(self.conv2(torch.relu(self.norm1(self.conv1(x)))))
        return torch.relu(y + (self.around.norm(self.around.conv(x)) if hasattr(self, "around") else x))


class ResNet8(tnn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.norm = tnn.Conv2d(1, 16, 3, padding=1, bias=False), tnn.BatchNorm2d(16)
        self.block1, self.block2, self.block3 = Block(16, 16, 1), Block(16, 32, 2), Block(32, 64, 2)
        self.dense = tnn.Linear(64, 10)

    def forward(self, x):
        x = torch.relu(self.norm(self.conv(x)))
        return self.dense(self.block3(self.block2(self.block1(x))).mean((2, 3)))


class MobileNet(tnn.Sequential):
    def __init__(self):
        super().__init__(
            tnn.Conv2d(1, 8, 3, 2, 1, bias=False), tnn.BatchNorm2d(8), tnn.ReLU6(),
            *self.separable(8, 16, 1), *self.separable(16, 32, 2),
            tnn.AdaptiveAvgPool2d(1), tnn.Flatten(), tnn.Dropout(0.2), tnn.Linear(32, 10),
        )  # fmt: skip

    @staticmethod
    def separable(before, after, stride):
        depthwise = tnn.Conv2d(before, before, 3, stride, 1, groups=before, bias=False)
        pointwise = tnn.Conv2d(before, after, 1, bias=False)
        norms = tnn.BatchNorm2d(before), tnn.BatchNorm2d(after)
        return depthwise, norms[0], tnn.ReLU6(), pointwise, norms[1], tnn.Hardswish()


def trained(cls, dtype=torch.float32, steps=3, size=28):
    """A network after some steps, so that all weights and statistics differ."""
    torch.manual_seed(0)
    net = cls().to(dtype)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    for _ in range(steps):
        optimizer.zero_grad()
        x = torch.randn(8, 1, size, size, dtype=dtype)
        torch.nn.functional.cross_entropy(net(x), torch.randint(10, (8,))).backward()
        optimizer.step()
    return net.eval()
