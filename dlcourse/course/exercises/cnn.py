"""Exercises of 16_cnn: what is asked, which mistakes are known, and what to say about them."""

import numpy as np

from dlcourse.course.exercises import Choice, Exercise, Match, Mistake, NotPlain, Option, Order, Predict

# --- The pair, by hand -----------------------------------------------------------------------------------


def loss_of(case, *, sign=1, total=False, clip=0.0, naive=False, overflow=False, added=0.0, part=None):
    s, y = case
    losses = np.maximum(s, 0) - y * s + np.log1p(np.exp(-np.abs(s)))
    if clip:
        p = np.clip(0.5 * (1 + np.tanh(s / 2)), clip, 1 - clip)
        losses = -(y * np.log(p) + (1 - y) * np.log(1 - p))
    if naive:
        losses = np.where((np.abs(s) > 30) & ((s > 0) != (y > 0.5)), np.inf, losses)
        losses = np.where((np.abs(s) > 30) & ((s > 0) == (y > 0.5)), np.nan, losses)
    if overflow:
        losses = np.where(s > 709, np.inf, losses)
    if added:
        p = 0.5 * (1 + np.tanh(s / 2))
        losses = -(y * np.log(p + added) + (1 - y) * np.log(1 - p + added))
    if part == "no maximum":
        losses = losses - np.maximum(s, 0)
    if part == "no logarithm":
        losses = np.maximum(s, 0) - y * s
    if part == "exp(+|s|)":
        losses = np.where(np.abs(s) > 709, np.inf, losses + np.abs(s))
    return float(sign * (losses.sum() if total else losses.mean()))


score_loss = Exercise(
    name="score_loss",
    difficulty=2,
    minutes=10,
    read="Forward, by hand",
    hints=(
        "Start from the loss for y = 0, which is log(1 + exp(s)); for y = 1 it is the same minus s.",
        "exp(s) overflows for large s. Write 1 + exp(s) as exp(s) · (1 + exp(-s)) where s > 0.",
        "np.maximum(s, 0) - y * s + np.log1p(np.exp(-np.abs(s))), then the mean.",
    ),
    cases=lambda rng: [
        (np.array([2.7]), np.array([1.0])),
        (np.array([0.0, 0.75, -3.0]), np.array([1.0, 0.0, 0.0])),
        (np.array([800.0, -800.0, 800.0]), np.array([0.0, 1.0, 1.0])),
        (3 * rng.normal(size=7), rng.integers(0, 2, 7).astype(float)),
    ],
    expected=loss_of,
    mistakes=(
        Mistake(
            name="saturates",
            value=lambda case: loss_of(case, naive=True),
            says="the probability saturates to 0 or 1 and its logarithm is not finite: work with the score",
        ),
        Mistake(
            name="clipped",
            value=lambda case: loss_of(case, clip=1e-7),
            says="clipping the probability hides how wrong a large score is: no clipping is needed",
        ),
        Mistake(
            name="clipped-12",
            value=lambda case: loss_of(case, clip=1e-12),
            says="clipping the probability hides how wrong a large score is: no clipping is needed",
        ),
        Mistake(
            name="padded-12",
            value=lambda case: loss_of(case, added=1e-12),
            says="a small number inside the logarithm hides how wrong a large score is: work with the score",
        ),
        Mistake(
            name="padded-8",
            value=lambda case: loss_of(case, added=1e-8),
            says="a small number inside the logarithm changes each loss and caps large ones: use the score",
        ),
        Mistake(
            name="overflow",
            value=lambda case: loss_of(case, overflow=True),
            says="exp(s) overflows for a large score: put max(s, 0) in front and take exp(-|s|)",
        ),
        Mistake(
            name="no-maximum",
            value=lambda case: loss_of(case, part="no maximum"),
            says="the term max(s, 0) is missing: log(1 + exp(-|s|)) alone is the loss of small scores",
        ),
        Mistake(
            name="no-logarithm",
            value=lambda case: loss_of(case, part="no logarithm"),
            says="the term log(1 + exp(-|s|)) is missing: even a right answer has a loss",
        ),
        Mistake(
            name="positive-exponent",
            value=lambda case: loss_of(case, part="exp(+|s|)"),
            says="the exponent should be -|s|: with +|s| each loss is too large by |s|",
        ),
        Mistake(
            name="sum",
            value=lambda case: loss_of(case, total=True),
            says="this is the sum over the images: return the mean",
        ),
        Mistake(
            name="sign",
            value=lambda case: loss_of(case, sign=-1),
            says="this is the log-likelihood: the loss is its negative",
        ),
        Mistake(
            name="labels-swapped",
            value=lambda case: loss_of((case[0], 1 - case[1])),
            says="the labels are swapped: a large score should be cheap where y is 1",
        ),
    ),
)


def windows(z):
    """The 2 by 2 blocks of z (H, W), each as a row of four: (H/2, W/2, 4)."""
    H, W = z.shape
    return z.reshape(H // 2, 2, W // 2, 2).swapaxes(1, 2).reshape(H // 2, W // 2, 4)


def unwindowed(blocks):
    rows, columns, _ = blocks.shape
    return blocks.reshape(rows, columns, 2, 2).swapaxes(1, 2).reshape(2 * rows, 2 * columns)


def routed(case, *, ties="first", gate=True, at_zero=False):
    z, dh = case
    blocks = windows(z)
    best = blocks.max(axis=2, keepdims=True)
    hit = (blocks == best).astype(float)
    if ties == "first":
        hit *= hit.cumsum(axis=2) == 1
    if ties == "last":
        hit = hit[..., ::-1]
        hit = (hit * (hit.cumsum(axis=2) == 1))[..., ::-1]
    if ties == "shared":
        hit /= hit.sum(axis=2, keepdims=True)
    if ties == "spread":
        hit = np.full_like(hit, 0.25)
    if ties == "column":
        turned = hit[..., [0, 2, 1, 3]]
        hit = (turned * (turned.cumsum(axis=2) == 1))[..., [0, 2, 1, 3]]
    if ties == "every positive":
        hit = np.ones_like(hit)
    if gate:
        hit = hit * (blocks >= 0 if at_zero else blocks > 0)
    return unwindowed(hit * dh[..., None])


def route_cases(rng):
    return [
        (np.array([[1.0, 2.0], [0.5, -1.0]]), np.array([[3.0]])),
        (np.array([[0.2, 0.0], [0.2, 0.1]]), np.array([[-2.0]])),  # a tie
        (np.array([[-1.0, -0.5], [-2.0, -3.0]]), np.array([[1.0]])),  # nothing gets through
        (np.array([[-1.0, 0.0], [0.0, -2.0]]), np.array([[2.0]])),  # nor here: 0 is shut
        (np.array([[0.1, 0.7], [0.7, 0.4]]), np.array([[1.5]])),  # by rows, the upper right one is first
        (rng.normal(size=(4, 6)), rng.normal(size=(2, 3))),
        (rng.integers(-1, 3, (6, 4)).astype(float), rng.normal(size=(3, 2))),
    ]


pool_route = Exercise(
    name="pool_route",
    difficulty=2,
    minutes=15,
    read="Backward, by hand",
    hints=(
        "Start from zeros of the shape of z, and visit the blocks one by one.",
        "np.argmax of a block gives the first of several equal maxima, as one number: np.unravel_index.",
        "Write dh[i, j] at the winner only if z there is above 0; every other place stays 0.",
    ),
    cases=route_cases,
    expected=routed,
    mistakes=(
        Mistake(
            name="all-ties",
            value=lambda case: routed(case, ties="all"),
            says="with a tie, all equal values get the gradient: only the first in reading order should",
        ),
        Mistake(
            name="all-ties-no-gate",
            value=lambda case: routed((np.maximum(case[0], 0), case[1]), ties="all", gate=False),
            says="every entry equal to the maximum gets the gradient, zeros too: one winner only, above 0",
        ),
        Mistake(
            name="all-ties-at-zero",
            value=lambda case: routed(case, ties="all", at_zero=True),
            says="every entry equal to the maximum gets the gradient, zeros too: one winner only, above 0",
        ),
        Mistake(
            name="last-tie",
            value=lambda case: routed(case, ties="last"),
            says="with a tie, the last of the equal values gets the gradient: take the first in order",
        ),
        Mistake(
            name="column-tie",
            value=lambda case: routed(case, ties="column"),
            says="with a tie, you read the block by columns: reading order goes along the rows",
        ),
        Mistake(
            name="shared-tie",
            value=lambda case: routed(case, ties="shared"),
            says="with a tie, you divide the gradient up: give all of it to the first in reading order",
        ),
        Mistake(
            name="no-gate",
            value=lambda case: routed(case, gate=False),
            says="a winner at or below 0 was cut off by ReLU: its gradient is 0",
        ),
        Mistake(
            name="open-at-zero",
            value=lambda case: routed(case, at_zero=True),
            says="a winner of exactly 0 gets nothing either: ask for z > 0, not z >= 0",
        ),
        Mistake(
            name="relu-first",
            value=lambda case: routed((np.maximum(case[0], 0), case[1]), gate=False),
            says="a block of zeros after ReLU has no winner: where its maximum is 0, nothing gets through",
        ),
        Mistake(
            name="relu-only",
            value=lambda case: routed(case, ties="every positive"),
            says="every positive entry gets the gradient, as through ReLU alone: only the winner should",
        ),
        Mistake(
            name="average",
            value=lambda case: routed(case, ties="spread"),
            says="this spreads the gradient evenly, as average pooling does: the maximum gets all of it",
        ),
        Mistake(
            name="average-no-gate",
            value=lambda case: routed(case, ties="spread", gate=False),
            says="this is the gradient of average pooling: the maximum of a block gets all of it",
        ),
        Mistake(
            name="values",
            value=lambda case: routed((case[0], np.maximum(windows(case[0]).max(axis=2), 0))),
            says="you wrote the maxima themselves: what goes back is dh",
        ),
    ),
)

# --- In Rust ---------------------------------------------------------------------------------------------


def rust(value):
    """Nested lists of floats as a Rust literal."""
    return f"vec![{', '.join(map(rust, value))}]" if isinstance(value, list) else repr(float(value))


def kernel_main(cases):
    calls = [f"kernel_gradient(&{rust(x.tolist())}, &{rust(d.tolist())})" for x, d in cases]
    return 'fn main() {\n    println!("{:?}", vec![' + ",\n".join(calls) + "]);\n}\n"


def kernel_of(case, *, turned=False, mean=False, transposed=False, last=False):
    x, dz = case
    if turned:
        dz = dz[::-1, ::-1]
    kh, kw = (n - d + 1 for n, d in zip(x.shape, dz.shape))
    places = np.ones_like(dz)
    if last:
        places = np.zeros_like(dz)
        places[-1, -1] = 1
    grad = np.array(
        [
            [(x[m : m + dz.shape[0], n : n + dz.shape[1]] * dz * places).sum() for n in range(kw)]
            for m in range(kh)
        ]
    )
    grad = grad / dz.size if mean else grad
    return (grad.T if transposed else grad).tolist()


rust_kernel_gradient = Exercise(
    name="rust_kernel_gradient",
    difficulty=2,
    minutes=15,
    read="Backward, by hand",
    language="rust",
    program=kernel_main,
    hints=(
        "How large is the kernel? image.len() - dz.len() + 1 rows, and the same for the columns.",
        "Four loops: m, n over the kernel, i, j over dz. Start from a kernel of zeros and add.",
        "grad[m][n] += image[i + m][j + n] * dz[i][j]",
    ),
    cases=lambda rng: [
        (np.arange(9.0).reshape(3, 3), np.array([[1.0, 0.0], [0.0, 0.0]])),
        (rng.integers(-3, 4, (5, 4)).astype(float), rng.integers(-2, 3, (3, 3)).astype(float)),
        (rng.integers(-3, 4, (4, 6)).astype(float), rng.integers(-2, 3, (2, 3)).astype(float)),
        (rng.integers(-3, 4, (3, 3)).astype(float), np.array([[0.5]])),
    ],
    expected=kernel_of,
    mistakes=(
        Mistake(
            name="turned",
            value=lambda case: kernel_of(case, turned=True),
            says="dz is turned around: the pixel that met kernel entry (m, n) at (i, j) is (i + m, j + n)",
        ),
        Mistake(
            name="turned-result",
            value=lambda case: np.array(kernel_of(case))[::-1, ::-1].tolist(),
            says="the result is turned around: nothing is flipped in a correlation or in its gradient",
        ),
        Mistake(
            name="one-short",
            value=lambda case: np.array(kernel_of(case))[:-1, :-1].tolist(),
            says="the last row and column are missing: the kernel has image.len() - dz.len() + 1 rows",
        ),
        Mistake(
            name="mean",
            value=lambda case: kernel_of(case, mean=True),
            says="you averaged over the places: the kernel is shared, so its gradient is the sum",
        ),
        Mistake(
            name="transposed",
            value=lambda case: kernel_of(case, transposed=True),
            says="rows and columns of the kernel are exchanged",
        ),
        Mistake(
            name="overwritten",
            value=lambda case: kernel_of(case, last=True),
            says="each place overwrites the one before: add with +=",
        ),
    ),
)

# --- Networks --------------------------------------------------------------------------------------------


def field(case, *, jump=True, start=1, early=False, last=False):
    size, step = start, 1
    for kernel, stride in case[0]:
        if early:
            step *= stride
        size += (kernel - 1) * (step if jump else 1)
        if not early:
            step = stride if last else step * stride
    return size


def field_folded(case):
    """The recursion that is right from the last layer to the first, run from the first to the last."""
    size = 1
    for kernel, stride in case[0]:
        size = (size - 1) * stride + kernel
    return size


receptive_field = Exercise(
    name="receptive_field",
    difficulty=2,
    minutes=10,
    read="A network of useful size",
    hints=(
        "With stride 1 everywhere, each layer adds its kernel less one.",
        "After a layer of stride 2, neighbours lie two pixels apart; later kernels reach twice as far.",
        "Keep size and step, both 1 at first: size += (kernel - 1) * step, then step *= stride.",
    ),
    cases=lambda rng: [
        ([],),
        ([(3, 1)],),
        ([(3, 1), (3, 1), (2, 2)],),
        ([(5, 1), (2, 2), (5, 1), (2, 2)],),
        ([(3, 2), (3, 2), (1, 1), (3, 1)],),
        ([(int(k), int(s)) for k, s in zip(rng.integers(1, 6, 5), rng.integers(1, 4, 5))],),
    ],
    expected=field,
    any_number=True,
    mistakes=(
        Mistake(
            name="no-strides",
            value=lambda case: field(case, jump=False),
            says="the strides are missing: behind a layer of stride 2 a step is two pixels wide",
        ),
        Mistake(
            name="own-stride",
            value=lambda case: field(case, early=True),
            says="a layer's own stride spreads the layers after it, not its own kernel",
        ),
        Mistake(
            name="last-stride",
            value=lambda case: field(case, last=True),
            says="only the stride of the layer before is used: the strides of all layers before multiply",
        ),
        Mistake(
            name="wrong-way",
            value=field_folded,
            says="size = (size - 1) * stride + kernel runs from the last layer to the first, not forwards",
        ),
        Mistake(
            name="area",
            value=lambda case: field(case) ** 2,
            says="this is the number of pixels in the patch: return the length of its side",
        ),
        Mistake(
            name="zero",
            value=lambda case: field(case, start=0),
            says="a value before any layer sees one pixel, itself: start at 1",
        ),
        Mistake(
            name="sum",
            value=lambda case: sum(k for k, _ in case[0]),
            says="kernels in a row overlap: each adds (kernel - 1) steps, not kernel pixels",
        ),
        Mistake(
            name="product",
            value=lambda case: int(np.prod([k for k, _ in case[0]])),
            says="kernels in a row do not multiply: each adds (kernel - 1) steps",
        ),
    ),
)

RIGHT = "one convolution, scores of shape (N, 10), above 88 % after three epochs"


def seeded(function):
    """Run it with torch's generator seeded and put back afterwards: first weights and dropout repeat."""
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return function()


def judge_small(answer):
    import torch
    from torch import nn

    from dlcourse.data.digits import digits
    from dlcourse.training import accuracy, train_torch

    arrays = digits(0, flat=False, dtype=np.float32)
    x, y, x_test, y_test = map(torch.from_numpy, arrays)
    net = answer()
    if not isinstance(net, nn.Module):
        raise NotPlain("an object that is not an nn.Module: write class SmallCNN(nn.Module)")
    net = net.float()
    count = sum(isinstance(layer, nn.Conv2d) for layer in net.modules())
    if count != 1:
        return f"{min(count, 2)} convolutions"
    with torch.no_grad():
        scores = net(x[:5])
    if tuple(scores.shape) != (5, 10):
        return "shape"
    if bool((scores >= 0).all()) and bool((scores.sum(1) - 1).abs().max() < 1e-4):
        return "probabilities"
    optimiser = torch.optim.Adam(net.parameters(), 1e-2)
    options = {"epochs": 3, "batch_size": 32, "rng": np.random.default_rng(0)}
    for _ in train_torch(net, nn.CrossEntropyLoss(), optimiser, x, y, **options):
        pass
    with torch.no_grad():
        return RIGHT if accuracy(net(x_test), y_test) > 0.88 else "accuracy"


small_cnn = Exercise(
    name="small_cnn",
    difficulty=2,
    minutes=20,
    source="B7.1",
    read="A network of useful size",
    wants="class",
    seconds=60,
    hints=(
        "Inherit from nn.Module, call super().__init__() first, and write forward(self, x).",
        "A convolution of 8 kernels of 3 × 3 makes 8 maps of 6 × 6; pooling halves them to 3 × 3.",
        "nn.Conv2d(1, 8, 3), relu, nn.MaxPool2d(2), flatten(1), nn.Linear(8 * 3 * 3, 10).",
    ),
    cases=lambda rng: [("scikit-learn's digits",)],
    expected=lambda case: RIGHT,
    call=lambda answer, case: seeded(lambda: judge_small(answer)),
    describe=lambda case: "three epochs on the digits",
    mistakes=(
        Mistake(
            name="no-convolution",
            value=lambda case: "0 convolutions",
            says="there is no nn.Conv2d among the layers: assign it to self in __init__",
        ),
        Mistake(
            name="too-many",
            value=lambda case: "2 convolutions",
            says="there is more than one nn.Conv2d: one is enough here",
        ),
        Mistake(
            name="shape",
            value=lambda case: "shape",
            says="the scores must have the shape (N, 10) for images (N, 1, 8, 8): flatten from axis 1 on",
        ),
        Mistake(
            name="softmax",
            value=lambda case: "probabilities",
            says="the last layer is a softmax: return scores, CrossEntropyLoss contains the softmax",
        ),
        Mistake(
            name="weak",
            value=lambda case: "accuracy",
            says="88 % are not reached after three epochs of Adam at 1e-2: use 8 maps or more, and a ReLU",
        ),
    ),
)


def small_main(cases):
    calls = [f"scores({', '.join('&' + rust(part.tolist()) for part in case)})" for case in cases]
    return 'fn main() {\n    println!("{:?}", vec![' + ",\n".join(calls) + "]);\n}\n"


def pooled_maps(z, pool):
    """The maps z (M, H, W), pooled: (M, H // 2, W // 2); an odd last row or column is left out."""
    if pool == "odd ones too":
        z = np.pad(z, [(0, 0)] + [(0, n % 2) for n in z.shape[1:]], constant_values=-np.inf)
    if pool == "whole map":
        return z.max(axis=(1, 2), keepdims=True)
    m, rows, columns = (n // 2 if axis else n for axis, n in enumerate(z.shape))
    blocks = z[:, : 2 * rows, : 2 * columns].reshape(m, rows, 2, columns, 2)
    if pool == "first":
        return blocks[:, :, 0, :, 0]
    return blocks.mean(axis=(2, 4)) if pool == "mean" else blocks.max(axis=(2, 4))


def small_scores(case, *, pool="largest", relu="maps", drop="", flip=False, axes=(0, 1, 2), softmax=False):
    image, kernels, biases, weight, bias = case
    kernels = kernels[:, ::-1, ::-1] if flip else kernels
    patches = np.lib.stride_tricks.sliding_window_view(image, kernels.shape[1:])
    z = np.einsum("ijmn,kmn->kij", patches, kernels)
    z = np.maximum(z, 0) if relu == "early" else z
    z = z if drop == "biases" else z + biases[:, None, None]
    z = np.maximum(z, 0) if relu in ("maps", "scores, too") else z
    h = pooled_maps(z, pool).transpose(axes).ravel()
    n = min(len(h), weight.shape[1])  # a zip stops at the shorter one
    s = weight[:, :n] @ h[:n] + (0 if drop == "bias" else bias)
    s = np.maximum(s, 0) if relu == "scores, too" else s
    return (np.exp(s - s.max()) / np.exp(s - s.max()).sum() if softmax else s).tolist()


def small_case(rng, shape, kernels, classes):
    m, kh, kw = kernels
    inputs = m * ((shape[0] - kh + 1) // 2) * ((shape[1] - kw + 1) // 2)
    shapes = (shape, kernels, (m,), (classes, inputs), (classes,))
    return tuple(rng.integers(-8, 9, size) / 4 for size in shapes)


rust_small_cnn = Exercise(
    name="rust_small_cnn",
    difficulty=3,
    minutes=30,
    source="B7.1",
    read="A network of useful size",
    language="rust",
    program=small_main,
    hints=(
        "For each kernel and its bias, walk over the blocks of its map; push one value per block.",
        "A block holds the correlations at (i, j), (i, j + 1), (i + 1, j), (i + 1, j + 1); i and j are even.",
        "Push (largest + b).max(0.0); a score is a row of weight times these values, plus its bias.",
    ),
    cases=lambda rng: [
        tuple(
            map(np.array, ([[1.0, 2], [3, 4]], [[[1.0]]], [-3.0], [[2.0], [-1.0]], [0.0, 5.0])),
        ),
        small_case(rng, (5, 6), (2, 2, 3), 3),
        small_case(rng, (6, 8), (3, 2, 2), 4),  # maps with an odd number of rows and columns
        small_case(rng, (8, 8), (4, 3, 3), 10),
    ],
    expected=small_scores,
    describe=lambda case: f"image {case[0].shape}, kernels {case[1].shape}",
    mistakes=(
        Mistake(
            name="no-relu",
            value=lambda case: small_scores(case, relu="none"),
            says="ReLU is missing: a pooled value below 0 becomes 0",
        ),
        Mistake(
            name="relu-early",
            value=lambda case: small_scores(case, relu="early"),
            says="add the kernel's bias before ReLU, not after it",
        ),
        Mistake(
            name="relu-twice",
            value=lambda case: small_scores(case, relu="scores, too"),
            says="the scores may be negative: ReLU stands before the pool only",
        ),
        Mistake(
            name="no-biases",
            value=lambda case: small_scores(case, drop="biases"),
            says="the biases of the convolution are missing: one per kernel, added before ReLU",
        ),
        Mistake(
            name="no-bias",
            value=lambda case: small_scores(case, drop="bias"),
            says="the bias of the affine map is missing: one per class",
        ),
        Mistake(
            name="flipped",
            value=lambda case: small_scores(case, flip=True),
            says="the kernels are turned around: torch's convolution is a correlation",
        ),
        Mistake(
            name="mean",
            value=lambda case: small_scores(case, pool="mean"),
            says="you pooled by the mean: take the largest value of each block",
        ),
        Mistake(
            name="first",
            value=lambda case: small_scores(case, pool="first"),
            says="you kept the first value of each block: take the largest of its four",
        ),
        Mistake(
            name="whole-map",
            value=lambda case: small_scores(case, pool="whole map"),
            says="you took one maximum per map: pool over blocks of 2 × 2",
        ),
        Mistake(
            name="odd",
            value=lambda case: small_scores(case, pool="odd ones too"),
            says="a last row or column without a partner is left out by the pool",
        ),
        Mistake(
            name="channels-last",
            value=lambda case: small_scores(case, axes=(1, 2, 0)),
            says="flatten map after map: all values of the first map, row by row, then the second map",
        ),
        Mistake(
            name="columns",
            value=lambda case: small_scores(case, axes=(0, 2, 1)),
            says="flatten each map row by row, not column by column",
        ),
        Mistake(
            name="softmax",
            value=lambda case: small_scores(case, softmax=True),
            says="these are probabilities: return the scores, without a softmax",
        ),
    ),
)


def plan(case, *, bias=True, double=False, pool="first", relu="all", last="Linear", other=0):
    """What build_cnn is asked about: layers, parameters, the side before each convolution, the scores."""
    depth, filters = case
    widths = [1] + [filters * 2**i if double else filters for i in range(depth)]
    count = sum(9 * i * o + bias * o for i, o in zip(widths, widths[1:]))
    pooled = {"first": [0], "each": range(depth), "last": [depth - 1], "none": []}[pool]
    sides = [8]
    for i in range(depth):
        sides.append(sides[-1] // 2 if i in pooled else sides[-1])
    count += widths[-1] * sides[-1] ** 2 * 10 + 10
    return {
        "other layers": other,
        "parameters": count,
        "convolutions": depth,
        "ReLUs": {"last missing": depth - 1, "none": 0}.get(relu, depth),
        "pools": len(pooled),
        "sides before convolutions": sides[:-1],
        "last layer": last,
        "scores": [2, 10],
    }


def describe_net(answer, case):
    import torch
    from torch import nn

    net = answer(*case)
    if not isinstance(net, nn.Module):
        raise NotPlain(f"an object of type {type(net).__name__}, not an nn.Module")
    passed = []  # layer and side of its input, in the order of the forward pass; a shared ReLU counts twice
    for layer in net.modules():
        if not list(layer.children()):
            layer.register_forward_hook(lambda own, inputs, _: passed.append((own, inputs[0].shape[-1])))
    with torch.no_grad():
        scores = net(torch.zeros(2, 1, 8, 8, dtype=next(net.parameters()).dtype))
    kinds = {"convolutions": nn.Conv2d, "ReLUs": nn.ReLU, "pools": nn.MaxPool2d}
    counts = {name: sum(isinstance(layer, kind) for layer, _ in passed) for name, kind in kinds.items()}
    known = (*kinds.values(), nn.Flatten, nn.Linear, nn.Identity, nn.Softmax)
    return {
        "other layers": sum(not isinstance(layer, known) for layer, _ in passed),
        "parameters": sum(p.numel() for p in net.parameters()),
        **counts,
        "sides before convolutions": [side for layer, side in passed if isinstance(layer, nn.Conv2d)],
        "last layer": type(passed[-1][0]).__name__,
        "scores": list(scores.shape),
    }


build_cnn = Exercise(
    name="build_cnn",
    difficulty=2,
    minutes=20,
    source="V19.1",
    read="A network of useful size",
    hints=(
        "Collect the layers in a list; the first convolution has 1 input channel, the others `filters`.",
        "padding=1 keeps 8 × 8; only the pool after the first block halves it, to 4 × 4.",
        "The last layer is nn.Linear(filters * 4 * 4, 10); return nn.Sequential(*layers).",
    ),
    cases=lambda rng: [(1, 4), (2, 3), (3, 8), (2, 16)],
    expected=plan,
    call=describe_net,
    describe=lambda case: f"build_cnn({case[0]}, {case[1]}) on images (2, 1, 8, 8)",
    mistakes=(
        Mistake(
            name="pool-each",
            value=lambda case: plan(case, pool="each"),
            says="there is a pool after every block: the exercise asks for one, after the first",
        ),
        Mistake(
            name="pool-last",
            value=lambda case: plan(case, pool="last"),
            says="the pool follows the last block: it belongs after the first, so that later maps are 4 × 4",
        ),
        Mistake(
            name="softmax",
            value=lambda case: plan(case, last="Softmax"),
            says="the last layer is a softmax: end with nn.Linear and return scores",
        ),
        Mistake(
            name="dropout",
            value=lambda case: plan(case, other=1),
            says="there is a layer that was not asked for, such as dropout: leave it out",
        ),
        Mistake(
            name="no-pool",
            value=lambda case: plan(case, pool="none"),
            says="the pool after the first block is missing",
        ),
        Mistake(
            name="doubled",
            value=lambda case: plan(case, double=True),
            says="the number of maps doubles from block to block: it should stay the same",
        ),
        Mistake(
            name="no-bias",
            value=lambda case: plan(case, bias=False),
            says="the convolutions have no bias: leave it on, as nn.Conv2d does",
        ),
        Mistake(
            name="no-relu",
            value=lambda case: plan(case, relu="none"),
            says="no nn.ReLU follows the convolutions: without it, two of them in a row are one",
        ),
        Mistake(
            name="last-relu",
            value=lambda case: plan(case, relu="last missing"),
            says="the last block has no nn.ReLU: every convolution is followed by one",
        ),
    ),
)

# --- What and where --------------------------------------------------------------------------------------


def iou_of(case, *, clip=True, corners=False, union=True, over="union", ends=0, late=False, size=False):
    a, b = case
    if corners:
        a, b = (np.column_stack([v[:, :2], v[:, 2:] - v[:, :2]]) for v in (a, b))
    low = np.maximum(a[:, :2], b[:, :2])
    high = np.minimum(a[:, :2] + a[:, 2:], b[:, :2] + b[:, 2:])
    sides = np.maximum(high - low + ends, 0) if clip else high - low
    sides = np.abs(sides) if size else sides
    shared, areas = sides.prod(axis=1), (a[:, 2:].prod(axis=1), b[:, 2:].prod(axis=1))
    shared = np.maximum(shared, 0) if late else shared
    if over == "swapped":
        shared = np.maximum(a[:, :2] + a[:, 2:], b[:, :2] + b[:, 2:]) - np.minimum(a[:, :2], b[:, :2])
        shared = shared.prod(axis=1)
    elif over == "hull":
        ends_of = np.maximum(a[:, :2] + a[:, 2:], b[:, :2] + b[:, 2:])
        return shared / (ends_of - np.minimum(a[:, :2], b[:, :2])).prod(axis=1)
    elif over != "union":
        by = {"smaller": np.minimum(*areas), "larger": np.maximum(*areas), "mean": np.mean(areas, axis=0)}
        return shared / (by | {"first": areas[0], "second": areas[1]})[over]
    with np.errstate(invalid="ignore", divide="ignore"):  # boxes that were misread may have no area
        return shared / (areas[0] + areas[1] - (shared if union else 0))


def random_boxes(rng, n):
    return np.column_stack([rng.uniform(0, 8, (n, 2)), rng.uniform(2, 9, (n, 2))])


box_iou = Exercise(
    name="box_iou",
    difficulty=2,
    minutes=12,
    read="What, and where?",
    hints=(
        "The intersection is a box as well: it begins at the larger of the two left edges.",
        "It ends at the smaller of the two right edges, left + width; a negative side means no overlap.",
        "Union = area of a + area of b - intersection: the intersection was counted twice.",
    ),
    cases=lambda rng: [
        (np.array([[0.0, 0, 4, 4]]), np.array([[2.0, 2, 4, 4]])),
        (np.array([[0.0, 0, 2, 2]]), np.array([[5.0, 5, 2, 2]])),  # apart in both directions
        (np.array([[0.0, 1, 2, 2]]), np.array([[5.0, 2, 2, 2]])),  # apart in one direction only
        (np.array([[0.0, 0, 3, 2]]), np.array([[3.0, 0, 1, 3]])),  # an edge in common
        (np.array([[1.0, 2, 3, 4], [1.0, 2, 4, 4]]), np.array([[1.0, 2, 3, 4], [2.0, 3, 2, 2]])),
        (random_boxes(rng, 6), random_boxes(rng, 6)),
    ],
    expected=iou_of,
    mistakes=(
        Mistake(
            name="no-clip",
            value=lambda case: iou_of(case, clip=False),
            says="boxes that are apart have negative sides, and two negatives multiply to an area: clip at 0",
        ),
        Mistake(
            name="corners",
            value=lambda case: iou_of(case, corners=True),
            says="you read the boxes as two corners: they are left, top, width, height",
        ),
        Mistake(
            name="no-union",
            value=lambda case: iou_of(case, union=False),
            says="the union counts the intersection twice: subtract it once",
        ),
        Mistake(
            name="smaller",
            value=lambda case: iou_of(case, over="smaller"),
            says="you divided by the smaller box: divide by the area that the two cover together",
        ),
        Mistake(
            name="larger",
            value=lambda case: iou_of(case, over="larger"),
            says="you divided by the larger box: divide by the area that the two cover together",
        ),
        Mistake(
            name="swapped",
            value=lambda case: iou_of(case, over="swapped"),
            says="minimum and maximum are exchanged: this is the box around both, not what they share",
        ),
        Mistake(
            name="first",
            value=lambda case: iou_of(case, over="first"),
            says="you divided by the first box: divide by the area that the two cover together",
        ),
        Mistake(
            name="second",
            value=lambda case: iou_of(case, over="second"),
            says="you divided by the second box: divide by the area that the two cover together",
        ),
        Mistake(
            name="mean-area",
            value=lambda case: iou_of(case, over="mean"),
            says="you divided by the mean of both areas (Dice's measure): divide by the union",
        ),
        Mistake(
            name="hull",
            value=lambda case: iou_of(case, over="hull"),
            says="you divided by the box around both: the union has no more than the two areas",
        ),
        Mistake(
            name="clipped-late",
            value=lambda case: iou_of(case, clip=False, late=True),
            says="clip each side at 0 before you multiply: two negative sides make a positive area",
        ),
        Mistake(
            name="absolute",
            value=lambda case: iou_of(case, clip=False, size=True),
            says="a negative side means that the boxes do not meet: clip it at 0, do not drop its sign",
        ),
        Mistake(
            name="ends-included",
            value=lambda case: iou_of(case, ends=1),
            says="no + 1: a box from 0 of width 4 ends at 4, and sides are plain differences",
        ),
    ),
)


def score_function(weight):
    return lambda image: float(np.tanh((weight * image).sum()) + (weight * image**2).sum())


def occluded(case, *, sign=1, restore=True, drop=True, stride=1, one=False, fill="zero"):
    image, weight, size = case
    score, work = score_function(weight), image.copy()
    whole = score(image)
    rows, columns = (range(0, n - size + 1, stride) for n in image.shape)
    result = np.zeros((len(rows), len(columns)))
    for i, top in enumerate(rows):
        for j, left in enumerate(columns):
            if restore:
                work = image.copy()
            side = 1 if one else size
            work[top : top + side, left : left + side] = image.mean() if fill == "mean" else 0
            result[i, j] = sign * ((whole if drop else 0) - score(work))
    return result


occlusion_map = Exercise(
    name="occlusion_map",
    difficulty=2,
    minutes=15,
    read="Lab: where does it look?",
    hints=(
        "How many places has a window of this size in an image of H × W?",
        "Copy the image for every place; otherwise the holes stay and pile up.",
        "covered = image.copy(); covered[i : i + size, j : j + size] = 0; drop = whole - score(covered).",
    ),
    cases=lambda rng: [
        (np.arange(1.0, 5.0).reshape(2, 2), np.full((2, 2), 0.1), 1),
        (rng.uniform(0.1, 1, (4, 5)), rng.normal(size=(4, 5)), 2),
        (rng.uniform(0.1, 1, (5, 3)), rng.normal(size=(5, 3)), 3),
    ],
    expected=occluded,
    call=lambda answer, case: answer(score_function(case[1]), case[0], case[2]),
    describe=lambda case: f"an image of {case[0].shape[0]} x {case[0].shape[1]}, size {case[2]}",
    mistakes=(
        Mistake(
            name="piling-up",
            value=lambda case: occluded(case, restore=False),
            says="earlier holes are still there: start from a fresh copy of the image for every place",
        ),
        Mistake(
            name="sign",
            value=lambda case: occluded(case, sign=-1),
            says="the sign is turned around: where covering lowers the score, the map is positive",
        ),
        Mistake(
            name="score",
            value=lambda case: occluded(case, sign=-1, drop=False),
            says="these are the scores of the covered images: subtract them from that of the whole one",
        ),
        Mistake(
            name="absolute",
            value=lambda case: np.abs(occluded(case)),
            says="keep the sign: where covering raises the score, the map is negative",
        ),
        Mistake(
            name="mean-fill",
            value=lambda case: occluded(case, fill="mean"),
            says="the square is filled with the mean of the image: set it to 0",
        ),
        Mistake(
            name="one-short",
            value=lambda case: occluded(case)[:-1, :-1],
            says="the last places are missing: there are H - size + 1 rows, and columns likewise",
        ),
        Mistake(
            name="single-pixel",
            value=lambda case: occluded(case, one=True),
            says="only one pixel is covered: the hole has size × size of them",
        ),
        Mistake(
            name="tiles",
            value=lambda case: occluded(case, stride=case[2]),
            says="the window jumps by its own size: move it by one pixel at a time",
        ),
    ),
)

# --- Project ---------------------------------------------------------------------------------------------

FINE = "the table has the right form and its relations hold"
KEYS = {"depth", "filters", "parameters", "accuracy", "seconds"}


def judge_sweep(rows):
    if not isinstance(rows, list) or any(not isinstance(r, dict) or set(r) != KEYS for r in rows):
        return "form"
    if any(isinstance(value, str) for row in rows for value in row.values()):
        return "form"
    cells = {(row["depth"], row["filters"]): row for row in rows}
    depths, filters = (sorted({cell[axis] for cell in cells}) for axis in (0, 1))
    grid = [(d, f) for d in depths for f in filters]
    if len(cells) != len(rows) or min(len(depths), len(filters)) < 3 or set(grid) != set(cells):
        return "cells"
    if not all(0 <= row["accuracy"] <= 1 for row in rows) or max(r["accuracy"] for r in rows) < 0.8:
        return "accuracy"

    if not all(row["seconds"] >= 0 for row in rows):
        return "seconds"

    def rises(key, cells_in_order):
        values = [cells[c][key] for c in cells_in_order]
        return all(a < b for a, b in zip(values, values[1:]))

    if not all(rises("parameters", [(d, f) for f in filters]) for d in depths):
        return "filters"
    if not all(rises("parameters", [(d, f) for d in depths]) for f in filters):
        return "depth"
    ends = [(cells[d, filters[0]]["seconds"], cells[d, filters[-1]]["seconds"]) for d in depths]
    return FINE if all(few < many for few, many in ends) else "time"


sweep_table = Exercise(
    name="sweep_table",
    difficulty=3,
    minutes=180,
    source="V19.1+",
    read="A project: depth and filters",
    hints=(
        "Two loops, over depths and over numbers of filters; the same seeds and epochs in every cell.",
        "time.process_time() counts the work of the processor; start it after the network is built.",
        "Take filters far apart, such as 4, 16 and 64, so that their times differ by more than noise.",
    ),
    cases=lambda rng: [("the table",)],
    expected=lambda case: FINE,
    call=lambda answer, case: judge_sweep(answer()),
    describe=lambda case: "the table",
    seconds=120,
    mistakes=(
        Mistake(
            name="form",
            value=lambda case: "form",
            says="expected a list of dicts with the five keys of the statement, and with numbers behind them",
        ),
        Mistake(
            name="cells",
            value=lambda case: "cells",
            says="expected each pair of at least three depths and three numbers of filters once",
        ),
        Mistake(
            name="accuracy",
            value=lambda case: "accuracy",
            says="accuracies are shares between 0 and 1, and the best should reach 0.8: train longer",
        ),
        Mistake(
            name="parameters-filters",
            value=lambda case: "filters",
            says="parameters must grow with the number of filters: count all of them",
        ),
        Mistake(
            name="parameters-depth",
            value=lambda case: "depth",
            says="parameters must grow with depth: keep the size of the maps the same in deeper layers",
        ),
        Mistake(
            name="seconds",
            value=lambda case: "seconds",
            says="a time below 0, or none at all: subtract the clock before training from the one after",
        ),
        Mistake(
            name="time",
            value=lambda case: "time",
            says="most filters are not slower than fewest: take numbers further apart, or time more epochs",
        ),
    ),
)

# --- Self-checks -----------------------------------------------------------------------------------------

cnn_backward_order = Order(
    name="cnn_backward_order",
    difficulty=1,
    minutes=3,
    read="Backward, by hand",
    question="One training step of the detector, from the loss back to the kernel:",
    steps=(
        ("δ = p - y at the score", "The loss and the logistic function together have this slope."),
        ("δ h, the gradient of the four weights", "It needs δ and what the forward pass left in h."),
        ("δ w, the gradient of the pooled values", "It needs the weights as they were in the forward pass."),
        ("write each of these at the winner of its block", "Only the largest value reached the output."),
        ("zero where ReLU was shut", "A value of z at or below 0 did not reach the output."),
        ("correlate the image with the result", "That sums over all places at which the kernel was used."),
        ("only now move kernel, weights and bias", "Every gradient belongs to the same, old parameters."),
    ),
)

pool_tie = Choice(
    name="pool_tie",
    difficulty=2,
    minutes=3,
    read="Backward, by hand",
    question="At a tie, backpropagation and central differences disagree. What follows?",
    options=(
        Option(
            text="The backward pass has an error.",
            says="It returns the slope of one of the two pieces, which is all it promises at a kink.",
        ),
        Option(
            text="The loss has a kink there; neither number is *the* derivative, for there is none.",
            says="Right. One-sided slopes differ, and the central difference is their mean.",
            right=True,
        ),
        Option(
            text="The step of the differences was too large.",
            says="A smaller step changes nothing: the kink lies exactly at this kernel.",
        ),
        Option(
            text="Gradient checks should be made at random points, where ties have probability 0.",
            says="That is what the checker does, but it does not say what happens at the tie.",
        ),
    ),
)

cnn_shapes = Predict(
    name="cnn_shapes",
    difficulty=1,
    minutes=3,
    read="Glyphs: the networks of the DLVR chapters",
    question="How many numbers enter the first affine layer?",
    code="side = 28\nfor _ in range(2):\n    side = (side - 5 + 1) // 2\nprint(64 * side * side)",
    answer="1024",
    says="28 → 24 → 12 → 8 → 4, and 64 maps of 4 × 4 hold 1,024 numbers.",
    wrong={
        "16": "That is one map; there are 64.",
        "3136": "That is 64 · 7 · 7, with padding that keeps the size before each pool.",
        "50176": "That is 64 · 28 · 28: both convolutions and both pools shrink the image.",
    },
)

which_head = Match(
    name="which_head",
    difficulty=2,
    minutes=3,
    read="What, and where?",
    question="Which last step suits which question about an image?",
    pairs=(
        (
            "Is there a 7, anywhere?",
            "largest value of each map over all places",
            "Where it was found does not matter, so the place may be thrown away.",
        ),
        (
            "Where is its left edge?",
            "all values of all maps, in order",
            "The place is the answer; an affine map can weigh each place differently.",
        ),
        (
            "Which share of the image is ink?",
            "mean of each map over all places",
            "Every pixel counts equally, wherever it lies.",
        ),
    ),
)

saliency_says = Choice(
    name="saliency_says",
    difficulty=2,
    minutes=3,
    read="Lab: where does it look?",
    question="The gradient map of an image is bright at a pixel. What does that say? Tick all that apply.",
    options=(
        Option(
            text="A small change of this pixel changes the score more than one of others.",
            says="Right. It is the definition, and the whole of it.",
            right=True,
        ),
        Option(
            text="A person would look there, too.",
            says="Nothing in the computation refers to people. The network with the dots shows the contrary.",
        ),
        Option(
            text="Covering the pixel must lower the score.",
            says="The sign is lost, and a slope holds for small changes: covering is a large one.",
        ),
        Option(
            text="An empty pixel can be bright: ink there would change the answer.",
            says="Right. The slope does not depend on what is there now being large.",
            right=True,
        ),
    ),
)

ENTRIES = (
    score_loss,
    cnn_backward_order,
    pool_route,
    pool_tie,
    rust_kernel_gradient,
    receptive_field,
    small_cnn,
    rust_small_cnn,
    build_cnn,
    cnn_shapes,
    box_iou,
    which_head,
    occlusion_map,
    saliency_says,
    sweep_table,
)
