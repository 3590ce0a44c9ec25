"""Exercises of 11_mlp_project: what is asked, which mistakes are known, and what to say about them."""

import copy
import json

import numpy as np

from dlcourse.course.exercises import Choice, Exercise, Match, Mistake, Option, Order, Raises
from dlcourse.reference.gradcheck import numerical_gradient

# --- data ------------------------------------------------------------------------------------------------


def batch_cases(rng):
    cases = []
    for n, size in ((5, 2), (6, 3), (4, 8), (7, 1)):
        x, t = rng.normal(size=(n, 2)).round(2), rng.integers(0, 10, n)
        cases.append((x, t, size, np.roll(rng.permutation(n), 1)))
    return cases


def cut(case, *, order=None, labels=None, stop=None, step=None):
    x, t, size, given = case
    order = given if order is None else order
    labels = order if labels is None else labels
    starts = range(0, len(order) if stop is None else stop, step or size)
    return [(x[order[k : k + size]], t[labels[k : k + size]]) for k in starts]


minibatches = Exercise(
    name="minibatches",
    difficulty=1,
    minutes=8,
    read="Data and batches",
    hints=(
        "Cut `order` first: the pieces order[0:size], order[size:2*size], …",
        "`range(0, len(order), size)` gives where the pieces begin; a slice may reach beyond the end.",
        "An array of row numbers is an index: x[rows] and t[rows] are the batch.",
    ),
    cases=batch_cases,
    expected=cut,
    mistakes=(
        Mistake(
            name="drops-the-rest",
            value=lambda case: cut(case, stop=len(case[3]) - len(case[3]) % case[2]),
            says="the last, shorter batch is missing: no row may be lost",
        ),
        Mistake(
            name="not-shuffled",
            value=lambda case: cut(case, order=np.arange(len(case[3]))),
            says="the rows come as they stand in x: use them in the given order",
        ),
        Mistake(
            name="labels-left-behind",
            value=lambda case: cut(case, labels=np.arange(len(case[3]))),
            says="inputs are shuffled, labels are not: each label must stay with its row",
        ),
        Mistake(
            name="overlapping",
            value=lambda case: cut(case, step=1),
            says="the batches overlap: each begins where the one before ended, `size` rows further",
        ),
        Mistake(
            name="inverse-order",
            value=lambda case: cut(case, order=np.argsort(case[3])),
            says="the permutation is used backwards: entry k of `order` says which row comes k-th",
        ),
    ),
)


def shuffle_main(cases):
    calls = ", ".join(f"shuffle({n}, &{draws})" for n, draws in cases)
    return (
        "fn main() {\n"
        f"    let results: Vec<Vec<usize>> = vec![{calls}];\n"
        '    println!("{results:?}");\n}\n'
    )


def shuffled(case, *, reach="last", first=False, forward=False, moved=True, position=True, turned=False):
    n, draws = case
    draws = draws[::-1] if turned else draws
    order = list(range(n))
    places = range(1, n) if forward else range(n - 1, 0, -1)
    for k, last in enumerate(places):
        draw = draws[0 if first else k]
        other = draw % {"last": last + 1, "all": n, "others": last}[reach]
        other = other if position else order.index(other)
        if moved:
            order[last], order[other] = order[other], order[last]
        else:
            order[last] = order[other]
    return order


rust_shuffle = Exercise(
    name="rust_shuffle",
    difficulty=2,
    minutes=12,
    read="Data and batches",
    language="rust",
    program=shuffle_main,
    hints=(
        "`(0..n).collect()` makes the order to begin with; name its type, `Vec<usize>`.",
        "`(1..n).rev()` counts down from n - 1 to 1; `.zip(draws)` pairs it with the random numbers.",
        "A vector can swap: `order.swap(last, draw % (last + 1));`.",
    ),
    cases=lambda rng: [
        (1, []),
        (3, [2, 4]),
        (4, [7, 9, 2]),
        (6, rng.integers(10**6, 10**9, 5).tolist()),
        (9, rng.integers(10**6, 10**9, 8).tolist()),
    ],
    expected=shuffled,
    mistakes=(
        Mistake(
            name="from-all",
            value=lambda case: shuffled(case, reach="all"),
            says="you chose among all n positions every time: that shuffle is not fair, use last + 1",
        ),
        Mistake(
            name="never-itself",
            value=lambda case: shuffled(case, reach="others"),
            says="`% last` never lets an entry stay where it is: use last + 1",
        ),
        Mistake(
            name="forwards",
            value=lambda case: shuffled(case, forward=True),
            says="you went from the front to the back: begin with the last position",
        ),
        Mistake(
            name="one-draw",
            value=lambda case: shuffled(case, first=True),
            says="every step uses the first number of `draws`: take the next one each time",
        ),
        Mistake(
            name="draws-from-the-end",
            value=lambda case: shuffled(case, turned=True),
            says="`draws` is used from its end: its first number belongs to last = n - 1",
        ),
        Mistake(
            name="copied",
            value=lambda case: shuffled(case, moved=False),
            says="an entry was overwritten instead of swapped: some numbers now occur twice",
        ),
        Mistake(
            name="entry-for-position",
            value=lambda case: shuffled(case, position=False),
            says="you swapped with the entry of that value: the draw says a position",
        ),
    ),
)

# --- layers ----------------------------------------------------------------------------------------------


def network_cases(rng):
    cases = []
    for n, sizes in ((1, (2, 2)), (3, (2, 3, 2)), (4, (3, 3, 4, 2)), (5, (4, 4, 4, 4))):
        weights = [rng.normal(size=(o, i)) for i, o in zip(sizes, sizes[1:])]
        biases = [rng.normal(size=o) for o in sizes[1:]]
        cases.append((weights, biases, rng.normal(size=(n, sizes[0])), rng.normal(size=(n, sizes[-1]))))
    return cases


def called_mlp(answer, case):
    weights, biases, x, dz = copy.deepcopy(case)
    net = answer(weights, biases)
    net.forward(x)
    dx = net.backward(dz)
    return {"dweights": list(net.dweights), "dbiases": list(net.dbiases), "dx": dx}


def output(weights, biases, x):
    for number, (weight, bias) in enumerate(zip(weights, biases)):
        x = (np.maximum(x, 0) if number else x) @ weight.T + bias
    return x


def by_differences(case):
    """What MLP.backward should give, without a derivative."""
    weights, biases, x, dz = copy.deepcopy(case)
    slope = lambda array: numerical_gradient(lambda: np.sum(dz * output(weights, biases, x)), array)  # noqa: E731
    return {"dweights": [slope(w) for w in weights], "dbiases": [slope(b) for b in biases], "dx": slope(x)}


def back(case, *, gate="right", mean=False, first=True, bias=np.sum, a_of=None):
    weights, biases, x, dz = case
    inputs = []
    for number, (weight, b) in enumerate(zip(weights, biases)):
        inputs.append(np.maximum(x, 0) if number else x)
        x = inputs[-1] @ weight.T + b
    share = 1 / len(dz) if mean else 1.0
    count = len(weights)
    dweights, dbiases = [None] * count, [None] * count
    for k in reversed(range(count)):
        if gate == "output too" and k == count - 1:
            dz = dz * (x > 0)
        dweights[k], dbiases[k] = dz.T @ inputs[k] * share, bias(dz, axis=0) * share
        if k or first:
            dz = dz @ weights[k]
        if gate == "right" or gate == "output too":
            dz = dz * (inputs[k] > 0) if k else dz
        elif gate == "input too":
            dz = dz * (inputs[k] > 0)
    return {"dweights": dweights, "dbiases": dbiases, "dx": dz}


mlp_backward = Exercise(
    name="MLP",
    difficulty=3,
    minutes=30,
    source="V1.1",
    read="Layers, and the promise they make",
    wants="class",
    call=called_mlp,
    describe=lambda case: (
        f"a network with weights of shapes {[w.shape for w in case[0]]}, batch of {len(case[2])}"
    ),
    rtol=1e-5,
    atol=1e-7,
    hints=(
        "Go through the layers from the last to the first; `dz` is the gradient at the layer's output.",
        "At layer k: dW = dz.T @ a with a = self.inputs[k], db = the column sums, then dz @ W goes on.",
        "Between two layers there is a ReLU: before handing on, multiply by (self.inputs[k] > 0) if k > 0.",
    ),
    cases=network_cases,
    expected=by_differences,
    mistakes=(
        Mistake(
            name="no-gate",
            value=lambda case: back(case, gate="none"),
            says="the ReLU is missing on the way back, or its gate is always open: compare a > 0, "
            "since a >= 0 holds everywhere",
        ),
        Mistake(
            name="gate-at-the-input",
            value=lambda case: back(case, gate="input too"),
            says="the input passed no ReLU: its gradient must not be cut where x is negative",
        ),
        Mistake(
            name="gate-at-the-output",
            value=lambda case: back(case, gate="output too"),
            says="the output passed no ReLU: start with dz as it is",
        ),
        Mistake(
            name="mean-twice",
            value=lambda case: back(case, mean=True),
            says="you divided by the number of rows: dz brings the loss's 1/m along, so only sum",
        ),
        Mistake(
            name="bias-mean",
            value=lambda case: back(case, bias=np.mean),
            says="the bias's gradient is the sum over the rows, not their mean",
        ),
        Mistake(
            name="stops-at-the-first-layer",
            value=lambda case: back(case, first=False),
            says="what you return is the gradient at the first layer's output: one product dz @ W is missing",
        ),
        Mistake(
            name="lists-reversed",
            value=lambda case: {k: v if k == "dx" else v[::-1] for k, v in back(case).items()},
            says="the lists run from the last layer to the first: entry 0 belongs to the first layer",
        ),
        Mistake(
            name="weights-transposed",
            value=lambda case: back(case) | {"dweights": [w.T for w in back(case)["dweights"]]},
            says="the gradients of the weights are transposed: rows are outputs, as in the weight itself",
        ),
    ),
)


def rust(value):
    """Numbers, and nested lists of them as vectors."""
    return f"vec![{', '.join(map(rust, value))}]" if isinstance(value, list) else repr(float(value))


def layer_main(cases):
    blocks = []
    for weight, bias, steps in cases:
        zeros = [[0.0] * len(row) for row in weight]
        lines = [
            f"let mut layer = Linear {{ weight: {rust(weight)}, bias: {rust(bias)}, "
            f"dweight: {rust(zeros)}, dbias: {rust([0.0] * len(bias))}, x: Vec::new() }};",
            "let mut seen: Vec<Vec<f64>> = Vec::new();",
        ]
        for x, dout in steps:
            lines.append(f"seen.push(layer.forward(&{rust(x)}));")
            lines.append(f"seen.push(layer.backward(&{rust(dout)}));")
        lines.append('results.push(format!("[{:?}, {:?}, {:?}]", seen, layer.dweight, layer.dbias));')
        blocks.append("    {\n" + "\n".join("        " + line for line in lines) + "\n    }\n")
    return (
        "fn main() {\n    let mut results: Vec<String> = Vec::new();\n"
        + "".join(blocks)
        + '    println!("[{}]", results.join(", "));\n}\n'
    )


def layer_cases(rng):
    cases = []
    for i, o, count in ((1, 1, 1), (2, 2, 1), (3, 2, 2), (2, 3, 3)):
        draw = lambda *shape: rng.normal(size=shape).round(2).tolist()  # noqa: E731
        cases.append((draw(o, i), draw(o), [(draw(i), draw(o)) for _ in range(count)]))
    return cases


def layer_right(case, *, overwrite=False, negative=False, biased=True, flipped=False, dbias=1.0, mean=False):
    weight, bias = np.array(case[0]), np.array(case[1])
    seen, dweight, db = [], np.zeros_like(weight), np.zeros_like(bias)
    for x, dout in case[2]:
        x, dout = np.array(x), np.array(dout)
        y = weight @ x + bias * biased
        seen += [np.maximum(y, 0).tolist() if negative else y.tolist()]
        seen += [(dout @ (np.abs(weight) if flipped else weight)).tolist()]
        dweight = np.outer(dout, x) + dweight * (overwrite not in (True, "weight"))
        db = dout * dbias + db * (overwrite not in (True, "bias"))
    scale = 1 / len(case[2]) if mean else 1.0
    return [seen, (dweight * scale).tolist(), (db * scale).tolist()]


rust_layer = Exercise(
    name="rust_layer",
    difficulty=3,
    minutes=25,
    source="V1.1",
    read="Layers, and the promise they make",
    language="rust",
    program=layer_main,
    seconds=10,
    hints=(
        "forward: one dot product and one bias for each row of the weight; x.to_vec() is a copy.",
        "backward, for all o and i: dweight[o][i] += dout[o] * x[i], dx[i] += dout[o] * weight[o][i].",
        "dbias[o] += dout[o]; begin with `let mut dx = vec![0.0; self.x.len()];` and return dx.",
    ),
    cases=layer_cases,
    expected=layer_right,
    mistakes=(
        Mistake(
            name="overwrites",
            value=lambda case: layer_right(case, overwrite=True),
            says="the gradients are those of the last example: backward must add to what is there",
        ),
        Mistake(
            name="overwrites-dweight",
            value=lambda case: layer_right(case, overwrite="weight"),
            says="dweight is that of the last example: add to what is there, as you do for dbias",
        ),
        Mistake(
            name="overwrites-dbias",
            value=lambda case: layer_right(case, overwrite="bias"),
            says="dbias is that of the last example: add to what is there, as you do for dweight",
        ),
        Mistake(
            name="relu",
            value=lambda case: layer_right(case, negative=True),
            says="negative outputs are cut off: this layer is affine, the ReLU is another one",
        ),
        Mistake(
            name="no-bias",
            value=lambda case: layer_right(case, biased=False),
            says="forward does not add the bias",
        ),
        Mistake(
            name="bias-not-learned",
            value=lambda case: layer_right(case, dbias=0.0),
            says="dbias stays zero: the bias's gradient is dout itself",
        ),
        Mistake(
            name="mean",
            value=lambda case: layer_right(case, mean=True),
            says="the gradients are averaged over the examples: they should be added up",
        ),
    ),
)

# --- the loss --------------------------------------------------------------------------------------------


def score_cases(rng):
    return [
        (np.zeros((2, 2)), np.array([0, 1])),
        (rng.normal(size=(4, 3)), np.array([2, 0, 1, 2])),
        (rng.normal(size=(5, 4)) * 3, rng.integers(0, 4, 5)),
        (np.array([[1000.0, -1000.0, 0.0], [-1000.0, -1001.0, -999.0]]), np.array([1, 2])),
    ]


def ce_gradient(case, *, size="m", sign=1.0, hot=1.0, axis=1, safe=True, every=False):
    z, t = case
    with np.errstate(all="ignore"):
        p = np.exp(z - z.max(axis=axis, keepdims=True) if safe else z)
        p = p / p.sum(axis=axis, keepdims=True)
    p[slice(None) if every else np.arange(len(t)), t] -= hot
    return sign * p / {"m": len(t), "one": 1, "all": z.size, "classes": z.shape[1]}[size]


cross_entropy_gradient = Exercise(
    name="cross_entropy_gradient",
    difficulty=2,
    minutes=12,
    read="The loss",
    hints=(
        "Compute the probabilities first, row by row, with the row's maximum subtracted before exp.",
        "`p[np.arange(len(t)), t]` addresses the entry of the label in every row.",
        "Subtract 1 there and divide everything by the number of rows.",
    ),
    cases=score_cases,
    expected=ce_gradient,
    mistakes=(
        Mistake(
            name="sum",
            value=lambda case: ce_gradient(case, size="one"),
            says="this is the gradient of the sum: the loss is a mean over the m rows",
        ),
        Mistake(
            name="mean-of-all",
            value=lambda case: ce_gradient(case, size="all"),
            says="you divided by the number of entries: the mean runs over the rows alone",
        ),
        Mistake(
            name="mean-of-classes",
            value=lambda case: ce_gradient(case, size="classes"),
            says="you divided by the number of classes: the mean runs over the m rows, not over C",
        ),
        Mistake(
            name="every-row",
            value=lambda case: ce_gradient(case, every=True),
            says="p[:, t] names the labels' columns in every row: address one entry for each row",
        ),
        Mistake(
            name="sign",
            value=lambda case: ce_gradient(case, sign=-1.0),
            says="the sign is turned around: the gradient is P - Y, descent subtracts it",
        ),
        Mistake(
            name="no-label",
            value=lambda case: ce_gradient(case, hot=0.0),
            says="these are the probabilities: subtract 1 at the label of each row",
        ),
        Mistake(
            name="columns",
            value=lambda case: ce_gradient(case, axis=0),
            says="the softmax runs down the columns: each row is an example and sums to 1",
        ),
        Mistake(
            name="overflow",
            value=lambda case: ce_gradient(case, safe=False),
            says="exp overflows for large scores: subtract the maximum of each row first",
        ),
    ),
)

# --- optimisers ------------------------------------------------------------------------------------------


def adam_cases(rng):
    cases = []
    for k, decay in ((1, 0.0), (1, 0.5), (3, 0.1), (40, 0.3)):
        p, g, m = rng.normal(size=(3, 4))
        cases.append((p, g, m * (k > 1), rng.uniform(0.1, 1, 4) * (k > 1), k, 0.1, decay))
    p, g = rng.normal(size=(2, 4))
    small = (p, 1e-4 * g, np.zeros(4), np.zeros(4), 1, 0.1, 0.2)  # here the place of epsilon counts
    return [*cases, small]


def adamw(
    case,
    *,
    coupled=False,
    corrected=True,
    sign=1.0,
    lr_in_decay=True,
    k=None,
    swap=False,
    root=True,
    inside=False,
    last=False,
    hats=False,
    decays=1.0,
):
    p, g, m, v, step, lr, decay = case
    step = step if k is None else step + k
    if coupled:
        g = g + decay * p
    beta1, beta2 = (0.999, 0.9) if swap else (0.9, 0.999)
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g * g
    fix1, fix2 = (1 - beta1**step, 1 - beta2**step) if corrected else (1.0, 1.0)
    v_hat = v / fix2
    move = lr * (m / fix1) / (np.sqrt(v_hat + 1e-8) if inside else (np.sqrt(v_hat) if root else v_hat) + 1e-8)
    shrink = 1.0 if coupled else 1 - decays * (lr * decay if lr_in_decay else decay)
    p = shrink * (p - sign * move) if last else shrink * p - sign * move
    return (p, m / fix1, v_hat) if hats else (p, m, v)


decoupled_step = Exercise(
    name="decoupled_step",
    difficulty=2,
    minutes=15,
    read="From Adam to AdamW, and a falling rate",
    hints=(
        "First the two means, then their corrected versions, then the parameter.",
        "The correction divides by 1 - 0.9**k and 1 - 0.999**k; the means that you return are not corrected.",
        "p becomes (1 - lr * decay) * p - lr * m_hat / (sqrt(v_hat) + 1e-8).",
    ),
    cases=adam_cases,
    expected=adamw,
    mistakes=(
        Mistake(
            name="adam-with-l2",
            value=lambda case: adamw(case, coupled=True),
            says="decay * p went into the gradient, and through both means: that is Adam with L2, not AdamW",
        ),
        Mistake(
            name="not-corrected",
            value=lambda case: adamw(case, corrected=False),
            says="the means are not corrected: divide by 1 - 0.9**k and 1 - 0.999**k",
        ),
        Mistake(
            name="uphill",
            value=lambda case: adamw(case, sign=-1.0),
            says="the step goes uphill: subtract it",
        ),
        Mistake(
            name="decay-without-rate",
            value=lambda case: adamw(case, lr_in_decay=False),
            says="the decay lacks the learning rate: the factor is 1 - lr * decay",
        ),
        Mistake(
            name="betas-swapped",
            value=lambda case: adamw(case, swap=True),
            says="the two betas are exchanged: 0.9 belongs to the mean, 0.999 to the mean of squares",
        ),
        Mistake(
            name="no-root",
            value=lambda case: adamw(case, root=False),
            says="the square root of v is missing",
        ),
        Mistake(
            name="epsilon-inside",
            value=lambda case: adamw(case, inside=True),
            says="epsilon stands under the root: add it to the root, or small gradients are held back",
        ),
        Mistake(
            name="decay-after",
            value=lambda case: adamw(case, last=True),
            says="the step shrinks with the parameter: only the old p is multiplied by 1 - lr * decay",
        ),
        Mistake(
            name="no-decay",
            value=lambda case: adamw(case, decays=0.0),
            says="the decay is missing: this is plain Adam",
        ),
        Mistake(
            name="corrected-returned",
            value=lambda case: adamw(case, hats=True),
            says="you return the corrected means: the next step needs m and v as they are",
        ),
        Mistake(
            name="next-k",
            value=lambda case: adamw(case, k=1),
            says="k already counts this step: use it as it is in the corrections",
        ),
    ),
)


# --- measuring -------------------------------------------------------------------------------------------


def counts(case, *, turned=False, only_wrong=False, only_right=False, once=False):
    truth, answers, classes = case
    table = [[0] * classes for _ in range(classes)]
    for t, a in zip(truth, answers):
        if (only_wrong and t == a) or (only_right and t != a):
            continue
        i, j = (a, t) if turned else (t, a)
        table[i][j] = 1 if once else table[i][j] + 1
    return table


def confusion_main(cases):
    calls = [f"confusion(&{t}, &{a}, {c})" for t, a, c in cases]
    lines = "\n".join(f'    results.push(format!("{{:?}}", {call}));' for call in calls)
    return (
        "fn main() {\n    let mut results: Vec<String> = Vec::new();\n"
        f'{lines}\n    println!("[{{}}]", results.join(", "));\n}}\n'
    )


rust_confusion = Exercise(
    name="rust_confusion",
    difficulty=1,
    minutes=8,
    read="Reading the mistakes",
    language="rust",
    program=confusion_main,
    hints=(
        "`vec![vec![0; classes]; classes]` is a table of zeros.",
        "`truth.iter().zip(answers)` walks through both slices together.",
        "`for (&t, &a) in …` gives numbers; then counts[t][a] += 1.",
    ),
    cases=lambda rng: [
        ([0, 1, 1], [0, 1, 0], 2),
        ([2, 2, 1, 0, 2, 2], [2, 1, 1, 0, 1, 2], 3),
        (rng.integers(0, 4, 30).tolist(), rng.integers(0, 4, 30).tolist(), 5),
    ],
    expected=counts,
    mistakes=(
        Mistake(
            name="transposed",
            value=lambda case: counts(case, turned=True),
            says="rows and columns are exchanged: the row is the true class, the column the answer",
        ),
        Mistake(
            name="only-mistakes",
            value=lambda case: counts(case, only_wrong=True),
            says="the diagonal is empty: the right answers are counted as well",
        ),
        Mistake(
            name="only-right",
            value=lambda case: counts(case, only_right=True),
            says="only the right answers are counted: the others belong beside the diagonal",
        ),
        Mistake(
            name="not-counted",
            value=lambda case: counts(case, once=True),
            says="the entries are 0 or 1: count with `+= 1`",
        ),
    ),
)


def rates(case, *, swapped=False, accuracy=False, negative=False, empty=0.0):
    truth, answers = (1 - np.asarray(a) for a in case) if negative else map(np.asarray, case)
    found, called, there = np.sum(truth * answers), np.sum(answers), np.sum(truth)
    precision = float(found / called) if called else empty
    recall = float(found / there) if there else empty
    if accuracy:
        precision = float(np.mean(truth == answers))
    return (recall, precision) if swapped else (precision, recall)


precision_recall = Exercise(
    name="precision_recall",
    difficulty=2,
    minutes=10,
    read="Reading the mistakes",
    hints=(
        "Count three things: called positive, really positive, and both at once.",
        "Precision divides by what was called positive, recall by what is positive.",
        "Test each denominator before you divide; return floats.",
    ),
    cases=lambda rng: [
        (np.array([1, 1, 0, 0]), np.array([1, 0, 0, 0])),
        (np.array([1, 1, 0, 0, 0]), np.array([1, 1, 1, 0, 1])),
        (np.array([1, 0, 1]), np.array([0, 0, 0])),
        (np.array([0, 0]), np.array([1, 0])),
        (rng.integers(0, 2, 20), rng.integers(0, 2, 20)),
    ],
    expected=rates,
    mistakes=(
        Mistake(
            name="swapped",
            value=lambda case: rates(case, swapped=True),
            says="precision and recall are exchanged: precision divides by what was called positive",
        ),
        Mistake(
            name="accuracy",
            value=lambda case: rates(case, accuracy=True),
            says="the first value is the accuracy: precision looks at the positive answers alone",
        ),
        Mistake(
            name="wrong-class",
            value=lambda case: rates(case, negative=True),
            says="these are the values of class 0: the class that is searched is 1",
        ),
        Mistake(
            name="empty-is-one",
            value=lambda case: rates(case, empty=1.0),
            says="with nothing called positive, or nothing to find, 0.0 is asked for",
        ),
        Mistake(
            name="divides-by-zero",
            value=lambda case: rates(case, empty=np.nan),
            says="0 / 0 is not a number: test a denominator before you divide",
        ),
    ),
)


def scale_cases(rng):
    constant = rng.normal(size=(5, 2)).round(1)
    constant[:, 0] = 3.0
    return [
        (np.array([[0.0], [2.0]]), np.array([[4.0], [1.0]])),
        (rng.normal(5, 3, (6, 3)), rng.normal(size=(4, 3))),
        (constant, np.array([[4.0, 1.0], [3.0, -2.0]])),
    ]


def scaled(case, *, source="train", ddof=0, whole=False, guard=True, shift=True, power=1, tiny=0.0):
    train, other = case
    of_other = other if source == "own" else train
    if source == "all":
        train_stats = of_other = np.concatenate([train, other])
    else:
        train_stats = train
    axis = None if whole else 0

    def apply(values, statistics):
        mean, std = statistics.mean(axis=axis), statistics.std(axis=axis, ddof=ddof) ** power + tiny
        with np.errstate(all="ignore"):
            return (values - mean * shift) / (np.where(std == 0, 1.0, std) if guard else std)

    return apply(train, train_stats), apply(other, of_other)


standardise = Exercise(
    name="standardise",
    difficulty=2,
    minutes=8,
    read="Breast cancer",
    hints=(
        "`axis=0` gives one mean and one standard deviation for each column.",
        "The same two rows of numbers, from `train`, are used for both arrays.",
        "`np.where(std == 0, 1.0, std)` keeps a constant column from being divided by 0.",
    ),
    cases=scale_cases,
    expected=scaled,
    mistakes=(
        Mistake(
            name="each-its-own",
            value=lambda case: scaled(case, source="own"),
            says="`other` was scaled by its own mean and deviation: use those of `train` for both",
        ),
        Mistake(
            name="leak",
            value=lambda case: scaled(case, source="all"),
            says="mean and deviation come from all rows: `other` leaks into the training that way",
        ),
        Mistake(
            name="one-for-all",
            value=lambda case: scaled(case, whole=True),
            says="one mean for the whole array: each column needs its own, with axis=0",
        ),
        Mistake(
            name="constant-column",
            value=lambda case: scaled(case, guard=False),
            says="a constant column is divided by 0: only shift it",
        ),
        Mistake(
            name="not-centred",
            value=lambda case: scaled(case, shift=False),
            says="the mean is not subtracted",
        ),
        Mistake(
            name="variance",
            value=lambda case: scaled(case, power=2),
            says="you divided by the variance: the standard deviation is its root",
        ),
        Mistake(
            name="tiny-number",
            value=lambda case: scaled(case, tiny=1e-8),
            says="a tiny number added to the deviation blows a constant column up: there, divide by 1",
        ),
        Mistake(
            name="sample-deviation",
            value=lambda case: scaled(case, ddof=1),
            says="you divided by N - 1 in the deviation: np.std with its default divides by N",
        ),
    ),
)

# --- saving ----------------------------------------------------------------------------------------------


def model_text(sizes, shapes, rng, biases=None):
    layers = [
        {"weight": rng.normal(size=shape).round(2).tolist(), "bias": rng.normal(size=b).round(2).tolist()}
        for shape, b in zip(shapes, biases or [shape[0] for shape in shapes])
    ]
    return (json.dumps({"sizes": list(sizes), "layers": layers}),)


def model_cases(rng):
    return [
        model_text((2, 1), [(1, 2)], rng),
        model_text((2, 3, 2), [(3, 2), (2, 3)], rng),
        model_text((2, 3), [(2, 3)], rng, [3]),  # transposed
        model_text((2, 3, 2), [(3, 2)], rng),  # a layer is missing
        model_text((2, 3), [(3, 2), (3, 3)], rng),  # one too many
        model_text((2, 3), [(3, 2)], rng, [2]),  # a bias too short
    ]


def model_read(case, *, count=True, weight=True, bias=True, turned=False):
    model = json.loads(case[0])
    sizes, layers = model["sizes"], model["layers"]
    if count and len(layers) != len(sizes) - 1:
        return Raises("ValueError")
    result = []
    for layer, (inputs, outputs) in zip(layers, zip(sizes, sizes[1:])):
        w, b = np.array(layer["weight"]), np.array(layer["bias"])
        wanted = (inputs, outputs) if turned else (outputs, inputs)
        if (weight and w.shape != wanted) or (bias and b.shape != (outputs,)):
            return Raises("ValueError")
        result.append((w, b))
    return result


def model_pairs(case):
    """The arrays of every layer, whether they fit or not."""
    return [(np.array(la["weight"]), np.array(la["bias"])) for la in json.loads(case[0])["layers"]]


def model_uncounted(case):
    """What shapes checked with sizes[k + 1] give when the layers were not counted."""
    model = json.loads(case[0])
    if len(model["layers"]) >= len(model["sizes"]):
        return Raises("IndexError")
    return as_text(model_read(case, count=False))


def model_called(answer, case):
    """The value, or the name of the error that was asked for."""
    try:
        return answer(*case)
    except ValueError:
        return "ValueError"


def as_text(value):
    return value.error if isinstance(value, Raises) else value


read_model = Exercise(
    name="read_model",
    difficulty=2,
    minutes=15,
    read="Saving, and reading in another language",
    call=model_called,
    describe=lambda case: f"read_model({case[0]!r})",
    hints=(
        "`json.loads(text)` gives dicts and lists; np.array(…, float) makes arrays of them.",
        "First compare the number of layers with len(sizes) - 1, then every shape.",
        "The weight of layer k has shape (sizes[k + 1], sizes[k]), its bias (sizes[k + 1],).",
    ),
    cases=model_cases,
    expected=lambda case: as_text(model_read(case)),
    mistakes=(
        Mistake(
            name="no-count",
            value=lambda case: as_text(model_read(case, count=False)),
            says="the number of layers is not compared with `sizes`: one too few or too many passes",
        ),
        Mistake(
            name="no-count-index",
            value=model_uncounted,
            says="the number of layers isn't compared with `sizes`: too few pass, too many give IndexError",
        ),
        Mistake(
            name="always-raises",
            value=lambda case: "ValueError",
            says="every model is refused, the right ones too: look at the shapes that you compare",
        ),
        Mistake(
            name="nothing-checked",
            value=model_pairs,
            says="nothing is checked: compare the number of layers and every shape with `sizes`",
        ),
        Mistake(
            name="weight-unchecked",
            value=lambda case: as_text(model_read(case, weight=False)),
            says="a weight of the wrong shape passes: compare its shape with (sizes[k + 1], sizes[k])",
        ),
        Mistake(
            name="bias-unchecked",
            value=lambda case: as_text(model_read(case, bias=False)),
            says="a bias of the wrong length passes: it needs one number for each output",
        ),
        Mistake(
            name="turned",
            value=lambda case: as_text(model_read(case, turned=True)),
            says="you expect weights of shape (inputs, outputs): rows are units, so (outputs, inputs)",
        ),
    ),
)

# --- the project -----------------------------------------------------------------------------------------

COLUMNS = {"model", "first_loss", "loss", "seconds", "lines"}
RELATIONS = (
    "the table has two rows, own and torch, with the five columns",
    "its numbers are positive, the lines whole numbers",
    "the first losses agree to nine digits",
    "both losses fall",
    "every gradient of net agrees with central differences",
)


def relations(answer, case):
    """Which of the relations hold for what own_network() returned."""
    rows, net = answer()
    form = len(rows) == 2 and all(set(row) == COLUMNS for row in rows)
    form = form and [row["model"] for row in rows] == ["own", "torch"]
    held = [form, False, False, False, _gradients_agree(net, np.random.default_rng(5))]
    if form:
        numbers = all(row[name] > 0 for row in rows for name in COLUMNS - {"model"})
        held[1] = bool(numbers and all(isinstance(row["lines"], int) for row in rows))
        first, second = (float(row["first_loss"]) for row in rows)
        held[2] = abs(first - second) <= 1e-9 * abs(second)
        held[3] = all(float(row["loss"]) < float(row["first_loss"]) for row in rows)
    return dict(zip(RELATIONS, held))


def _gradients_agree(net, rng, each=6):
    """Some entries of every parameter, and of the input, against central differences."""
    x = rng.normal(size=(3, 64))
    dout = rng.normal(size=(3, 10))
    value = lambda: float(np.sum(dout * net.forward(x)))  # noqa: E731
    value()
    dx = net.backward(dout.copy())
    grads = {name: np.array(net.grads[name]) for name in net.params}
    for array, grad in [(net.params[name], grads[name]) for name in net.params] + [(x, dx)]:
        if np.shape(grad) != array.shape:
            return False
        scale = max(np.abs(grad).max(), 1e-3)
        for flat in rng.permutation(array.size)[:each]:
            index = np.unravel_index(flat, array.shape)
            kept = array[index]
            array[index] = kept + 1e-6
            above = value()
            array[index] = kept - 1e-6
            below = value()
            array[index] = kept
            if not abs((above - below) / 2e-6 - grad[index]) <= 1e-5 * scale:
                return False
    return True


def all_but(*broken):
    return {relation: k not in broken for k, relation in enumerate(RELATIONS)}


own_network = Exercise(
    name="own_network",
    difficulty=3,
    minutes=180,
    source="V1.1+",
    read="Project: your own network against PyTorch",
    seconds=60,
    call=relations,
    describe=lambda case: "own_network()",
    hints=(
        "Begin with the network alone and test its gradients before you train anything.",
        "Copy the initial weights into the PyTorch network, and give both the same batches in one order.",
        "Measure the first loss before the first step, and the time around the loop over the batches alone.",
    ),
    cases=lambda rng: [()],
    expected=lambda case: all_but(),
    mistakes=(
        Mistake(
            name="form",
            value=lambda case: all_but(0, 1, 2, 3),
            says="the table has another form: two dicts, own and torch, with the five keys of the statement",
        ),
        Mistake(
            name="numbers",
            value=lambda case: all_but(1),
            says="a number in the table is not positive, or the lines are not whole numbers",
        ),
        Mistake(
            name="other-start",
            value=lambda case: all_but(2),
            says="the losses at step 0 differ: same initial weights, same batch, both in float64?",
        ),
        Mistake(
            name="no-learning",
            value=lambda case: all_but(3),
            says="a loss does not fall: compare the step's sign, the rate and zero_grad",
        ),
        Mistake(
            name="gradients",
            value=lambda case: all_but(4),
            says="a gradient of your network disagrees with central differences: test layer by layer",
        ),
    ),
)

# --- self-checks -----------------------------------------------------------------------------------------

gradient_blind = Choice(
    name="gradient_blind",
    difficulty=2,
    minutes=3,
    read="Testing gradients",
    question="Which mistakes does a comparison with central differences find? Tick all.",
    options=(
        Option(
            text="backward forgets the derivative of the activation.",
            says="Found: the slopes of the loss say otherwise.",
            right=True,
        ),
        Option(
            text="forward uses tanh where the design says ReLU, and backward the slope of tanh.",
            says="Not found: backward is the derivative of forward, only not of the one you meant.",
        ),
        Option(
            text="The loss divides by m and its gradient does not.",
            says="Found: every gradient is m times too large.",
            right=True,
        ),
        Option(
            text="The optimiser adds the step instead of subtracting it.",
            says="Not found: no step is taken in a gradient test.",
        ),
        Option(
            text="Images and labels were shuffled differently.",
            says="Not found: the gradient is right for whatever labels it is given.",
        ),
    ),
)

train_order = Order(
    name="train_order",
    difficulty=1,
    minutes=3,
    read="The loop",
    question="Bring one epoch into order.",
    steps=(
        ("Shuffle the numbers of the rows.", "Every epoch has its own order."),
        ("Take the next 32 rows.", "They are the batch; the steps that follow repeat for each."),
        ("Forward: the scores, then the loss.", "The gradient needs what forward remembers."),
        (
            "Backward: the loss first, then the layers in reverse.",
            "Every layer needs the gradient of its output.",
        ),
        ("Set the rate by the schedule and step the optimiser.", "Now all gradients are there."),
        ("After the last batch, measure on the test part.", "Measuring changes nothing in the network."),
    ),
)

split_question = Match(
    name="split_question",
    difficulty=2,
    minutes=3,
    read="The baseline, and whose digits they are",
    question="Which split answers which question?",
    pairs=(
        (
            "Can it read more digits of the people it knows?",
            "random rows, stratified",
            "Each writer stands in both parts.",
        ),
        ("Can it read a new person's digits?", "whole writers held out", "No hand is in both parts."),
        (
            "Will a forecast made today hold next month?",
            "the latest dates held out",
            "The use will cross the line between past and future.",
        ),
        (
            "Which learning rate shall I take?",
            "a part of the training rows held back",
            "The test part must not take part in a choice.",
        ),
    ),
)

formats = Choice(
    name="formats",
    difficulty=1,
    minutes=2,
    read="Saving, and reading in another language",
    question="A stranger sends you a trained network as a pickle file. What is the objection?",
    options=(
        Option(text="Pickle rounds floats.", says="It does not: the bytes are stored as they are."),
        Option(
            text="Loading a pickle runs code that its author chose.",
            says="Right. It is a program for a small machine inside Python, and may call any function.",
            right=True,
        ),
        Option(text="Pickle cannot store arrays.", says="It can, and NumPy supports it."),
        Option(text="The file is larger than JSON.", says="It is smaller; size is not the problem."),
    ),
)

ENTRIES = (
    minibatches,
    rust_shuffle,
    mlp_backward,
    rust_layer,
    cross_entropy_gradient,
    gradient_blind,
    decoupled_step,
    train_order,
    split_question,
    rust_confusion,
    precision_recall,
    standardise,
    read_model,
    formats,
    own_network,
)
