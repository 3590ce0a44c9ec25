"""Exercises of 08_forward_pass: what is asked, which mistakes are known, and what to say about them."""

import numpy as np

from dlcourse.course.exercises import Choice, Exercise, Match, Mistake, Option, Predict, Raises


def relu(z):
    return np.maximum(z, 0)


# --- the matrix product ----------------------------------------------------------------------------------


def product_cases(rng):
    sizes = ((1, 2, 1), (2, 3, 2), (3, 2, 4), (4, 4, 4))
    return [(rng.normal(size=(n, i)), rng.normal(size=(i, o))) for n, i, o in sizes]


outer_terms = Exercise(
    name="outer_terms",
    difficulty=2,
    minutes=10,
    read="The matrix product, three times",
    hints=(
        "One outer product is `a[:, i, None] * b[i, None, :]`: a column times a row, by broadcasting.",
        "A loop over i with `np.stack` is a full answer; without a loop, bring i to the front of both.",
        "`a.T[:, :, None]` has shape (I, N, 1) and `b[:, None, :]` has shape (I, 1, O): multiply them.",
    ),
    cases=product_cases,
    expected=lambda case: np.einsum("ni,io->ino", *case),
    mistakes=(
        Mistake(
            name="summed",
            value=lambda case: case[0] @ case[1],
            says="this is the product itself: return the I terms before they are added",
        ),
        Mistake(
            name="terms-last",
            value=lambda case: np.einsum("ni,io->noi", *case),
            says="the terms are there, but i is the last axis: it should be the first",
        ),
        Mistake(
            name="terms-in-the-middle",
            value=lambda case: np.einsum("ni,io->nio", *case),
            says="the terms are there, but i is the middle axis: it should be the first",
        ),
        Mistake(
            name="each-transposed",
            value=lambda case: np.einsum("ni,io->ion", *case),
            says="every term is transposed: column of a times row of b has shape (N, O)",
        ),
        Mistake(
            name="running-sum",
            value=lambda case: np.cumsum(np.einsum("ni,io->ino", *case), axis=0),
            says="these are running sums: entry i should be the term i alone",
        ),
    ),
)


def rust(values):
    """Nested lists of floats as a Rust literal."""
    return f"[{', '.join(map(rust, values))}]" if isinstance(values, list) else repr(float(values))


def listing(calls):
    """A `main` that prints the results of the calls as one JSON list."""
    lines = "\n".join(f'    results.push(format!("{{:?}}", {call}));' for call in calls)
    return (
        "fn main() {\n    let mut results: Vec<String> = Vec::new();\n"
        f'{lines}\n    println!("[{{}}]", results.join(", "));\n}}\n'
    )


def flat_main(cases):
    return listing([f"matmul(&{rust(a)}, &{rust(b)}, {n}, {k}, {m})" for a, b, n, k, m in cases])


def flat_cases(rng):
    cases = []
    for n, k, m in ((1, 2, 1), (2, 3, 2), (3, 2, 4), (2, 2, 2)):
        a, b = rng.normal(size=n * k).round(2), rng.normal(size=k * m).round(2)
        cases.append((a.tolist(), b.tolist(), n, k, m))
    return cases


def flat_product(case, *, terms=None, turned="", by_rows=True):
    a, b, n, k, m = case
    a = np.reshape(a, (n, k), order="F" if "a" in turned else "C")
    b = np.reshape(b, (k, m), order="F" if "b" in turned else "C")
    c = a[:, terms] @ b[terms] if terms else a @ b
    return c.ravel(order="C" if by_rows else "F").tolist()


rust_matmul = Exercise(
    name="rust_matmul",
    difficulty=2,
    minutes=15,
    read="The matrix product, three times",
    language="rust",
    program=flat_main,
    hints=(
        "Start with `let mut c = vec![0.0; n * m];` and three nested loops over row, i and column.",
        "Element (row, i) of a matrix with k columns is `a[row * k + i]`.",
        "In the innermost loop: c[row * m + column] += a[row * k + i] * b[i * m + column].",
    ),
    cases=flat_cases,
    expected=flat_product,
    mistakes=(
        Mistake(
            name="assigned",
            value=lambda case: flat_product(case, terms=slice(case[3] - 1, case[3])),
            says="only the last of the k products is kept: add them up with `+=`",
        ),
        Mistake(
            name="b-by-columns",
            value=lambda case: flat_product(case, turned="b"),
            says="you read b column after column: element (i, column) stands at i * m + column",
        ),
        Mistake(
            name="a-by-columns",
            value=lambda case: flat_product(case, turned="a"),
            says="you read a column after column: element (row, i) stands at row * k + i",
        ),
        Mistake(
            name="result-by-columns",
            value=lambda case: flat_product(case, by_rows=False),
            says="the numbers are right, but the result is written column after column: use row * m + column",
        ),
        Mistake(
            name="first-term",
            value=lambda case: flat_product(case, terms=slice(0, 1)),
            says="only the first of the k products is there: the sum runs over all i",
        ),
    ),
)

# --- batches and chains ----------------------------------------------------------------------------------


def batch_cases(rng):
    sizes = ((1, 2, 3), (3, 3, 3), (5, 2, 4), (4, 3, 1))
    return [(rng.normal(size=(n, i)), rng.normal(size=(o, i)), rng.normal(size=o)) for n, i, o in sizes]


def attempted(compute):
    """What a wrong formula returns, or the ValueError that NumPy answers it with."""
    try:
        return compute()
    except ValueError:
        return Raises("ValueError")


dense_batch = Exercise(
    name="dense_batch",
    difficulty=1,
    minutes=5,
    read="Many examples at once",
    hints=(
        "Write the shapes down: (N, I) on the left, (N, O) wanted. What must stand between them?",
        "The weight has shape (O, I); its transpose has shape (I, O).",
        "`x @ weight.T + bias`: the bias is added to every row by broadcasting.",
    ),
    cases=batch_cases,
    expected=lambda case: case[0] @ case[1].T + case[2],
    mistakes=(
        Mistake(
            name="not-transposed",
            value=lambda case: attempted(lambda: case[0] @ case[1] + case[2]),
            says="the weight has units as rows: the product needs them as columns, so transpose it",
        ),
        Mistake(
            name="one-example",
            value=lambda case: attempted(lambda: case[1] @ case[0] + case[2]),
            says="weight @ x is the layer for one example: here examples are rows, so x stands on the left",
        ),
        Mistake(
            name="no-bias",
            value=lambda case: case[0] @ case[1].T,
            says="the bias is missing",
        ),
        Mistake(
            name="bias-per-example",
            value=lambda case: attempted(lambda: case[0] @ case[1].T + case[2][:, None]),
            says="the bias was added along the examples: it has one entry per unit, that is per column",
        ),
        Mistake(
            name="units-first",
            value=lambda case: (case[0] @ case[1].T + case[2]).T,
            says="the result is transposed: one row per example is asked for, shape (N, O)",
        ),
        Mistake(
            name="relu",
            value=lambda case: relu(case[0] @ case[1].T + case[2]),
            says="negative values are cut off: the pre-activations are asked for, before any ReLU",
        ),
    ),
)

broadcast_mean = Predict(
    name="broadcast_mean",
    difficulty=2,
    minutes=4,
    read="Many examples at once",
    question="Four predictions and four targets, all equal to 2. What does this print?",
    code="prediction = np.full((4, 1), 2.0)\n"
    "target = np.full(4, 2.0)\n"
    "difference = prediction - target\n"
    "print(difference.shape, difference.sum())",
    answer="(4, 4) 0.0",
    says="The shapes (4, 1) and (4,) broadcast to (4, 4): all sixteen pairs. Since all values are equal, "
    "the sum is 0 and hides it; with real data the loss would be wrong.",
    wrong={
        "(4, 1) 0.0": "The missing axis of the target is added on the left: (4,) counts as (1, 4).",
        "(4,) 0.0": "An axis of size 1 is repeated, not dropped: (4, 1) against (1, 4).",
        "(4, 4) 16.0": "The shape is right; each of the sixteen differences is 2 - 2.",
    },
)


def count_parameters(sizes, *, bias="out", pairs=None):
    pairs = pairs or list(zip(sizes, sizes[1:]))
    extra = {"out": sum(o for _, o in pairs), "in": sum(i for i, _ in pairs), "none": 0, "layer": len(pairs)}
    return sum(i * o for i, o in pairs) + extra[bias]


parameter_count = Exercise(
    name="parameter_count",
    difficulty=1,
    minutes=5,
    read="A chain of layers",
    hints=(
        "A layer from I to O units has a weight of shape (O, I) and a bias of shape (O,).",
        "`zip(sizes, sizes[1:])` gives the pairs (I, O) of all layers.",
        "Sum O * (I + 1) over the pairs.",
    ),
    cases=lambda rng: [
        ([3, 4, 1],),
        ([2, 5],),
        ([784, 128, 10],),
        (rng.integers(2, 40, 6).tolist(),),
    ],
    expected=lambda case: count_parameters(*case),
    mistakes=(
        Mistake(
            name="no-bias",
            value=lambda case: count_parameters(*case, bias="none"),
            says="these are the weights alone: every unit has a bias as well",
        ),
        Mistake(
            name="bias-per-input",
            value=lambda case: count_parameters(*case, bias="in"),
            says="you counted a bias for each input of a layer: there is one for each of its units",
        ),
        Mistake(
            name="bias-per-layer",
            value=lambda case: count_parameters(*case, bias="layer"),
            says="you counted one bias for each layer: there is one for each unit",
        ),
        Mistake(
            name="input-bias",
            value=lambda case: count_parameters(*case) + case[0][0],
            says="you gave the inputs biases: they are not units and have no parameters",
        ),
        Mistake(
            name="no-output-bias",
            value=lambda case: count_parameters(*case) - case[0][-1],
            says="the units of the last layer have biases as well",
        ),
    ),
)


def misfit(width, shapes, *, turned=False, frozen=False, last=False):
    found = []
    for index, (rows, columns) in enumerate(shapes):
        taken, given = (rows, columns) if turned else (columns, rows)
        if taken != width:
            found.append(index)
        width = width if frozen else given
    return found[-1 if last else 0] if found else -1


def misfit_of_neighbours(width, shapes):
    """The same without a look at the input: each weight is compared with the one before."""
    later = misfit(shapes[0][0], shapes[1:]) if shapes else -1
    return later + (later >= 0)


first_misfit = Exercise(
    name="first_misfit",
    difficulty=2,
    minutes=8,
    read="A chain of layers",
    hints=(
        "Keep one number, the features that arrive, and walk through the list.",
        "A weight of shape (O, I) takes I features; how many does it hand on?",
        "If columns != width return the index, otherwise width becomes rows; after the loop return -1.",
    ),
    cases=lambda rng: [
        (3, [(4, 3), (1, 4)]),
        (3, [(3, 4), (4, 1)]),
        (2, [(2, 2), (5, 2), (4, 5), (4, 3)]),
        (5, [(5, 5), (3, 5), (3, 5)]),
        (4, [(6, 4), (4, 6), (2, 4), (1, 3)]),
        (5, [(5, 5), (3, 4), (2, 6)]),
        (7, []),
    ],
    expected=lambda case: misfit(*case),
    mistakes=(
        Mistake(
            name="turned",
            value=lambda case: misfit(*case, turned=True),
            says="you compared the rows: a weight (O, I) takes as many features as it has columns",
        ),
        Mistake(
            name="not-updated",
            value=lambda case: misfit(*case, frozen=True),
            says="you compared every weight with the input: after a layer, its number of rows arrives",
        ),
        Mistake(
            name="input-not-checked",
            value=lambda case: misfit_of_neighbours(*case),
            says="the first weight can be the misfit: compare its columns with width",
        ),
        Mistake(
            name="last-misfit",
            value=lambda case: misfit(*case, last=True),
            says="this is the last weight that does not fit: stop at the first",
        ),
        Mistake(
            name="counts-from-one",
            value=lambda case: misfit(*case) + (misfit(*case) >= 0),
            says="you count from 1: the first weight has index 0",
        ),
        Mistake(
            name="length-if-fits",
            value=lambda case: misfit(*case) if misfit(*case) >= 0 else len(case[1]),
            says="where the whole chain fits, return -1",
        ),
    ),
)


def chain(rng, *sizes, n=4):
    pairs = list(zip(sizes, sizes[1:]))
    x, weights = rng.normal(size=(n, sizes[0])), [rng.normal(size=(o, i)) for i, o in pairs]
    return x, weights, [rng.normal(size=o) for _, o in pairs]


def passed(x, weights, biases, f=relu, last=None):
    for W, b in zip(weights[:-1], biases[:-1]):
        x = f(x @ W.T + b)
    z = x @ weights[-1].T + biases[-1]
    return last(z) if last else z


def without_biases(case):
    return case[0], case[1], [0.0] * len(case[1])


forward_relu = Exercise(
    name="forward_relu",
    difficulty=2,
    minutes=10,
    read="A chain of layers",
    hints=(
        "Loop over pairs of weight and bias; the activations of one layer are the input of the next.",
        "The last layer is different: take it out of the loop, or skip ReLU when it is reached.",
        "Loop over weights[:-1] and biases[:-1] with np.maximum(x @ W.T + b, 0), then one affine step.",
    ),
    cases=lambda rng: [
        (np.array([[1.2, 0.7]]), *chain(rng, 2, 1)[1:]),  # a single layer has no ReLU at all
        chain(rng, 3, 4, 1),
        chain(rng, 3, 3, 3, 3),
        chain(rng, 2, 6, 5, 4, 2, n=1),
    ],
    expected=lambda case: passed(*case),
    mistakes=(
        Mistake(
            name="relu-at-the-end",
            value=lambda case: passed(*case, last=relu),
            says="the output was cut at 0: after the last layer there is no ReLU",
        ),
        Mistake(
            name="no-relu",
            value=lambda case: passed(*case, f=lambda z: z),
            says="there is no ReLU between the layers: this network is a single affine map",
        ),
        Mistake(
            name="no-bias",
            value=lambda case: passed(*without_biases(case)),
            says="the biases are missing",
        ),
        Mistake(
            name="relu-before-bias",
            value=lambda case: passed_bias_late(*case),
            says="ReLU comes after the bias: first x @ W.T + b, then the maximum with 0",
        ),
        Mistake(
            name="relu-on-the-input",
            value=lambda case: passed(relu(case[0]), *case[1:]),
            says="the input was cut at 0: ReLU follows a layer, and x has not passed any yet",
        ),
        Mistake(
            name="absolute",
            value=lambda case: passed(*case, f=np.abs),
            says="this takes absolute values: ReLU sets what is negative to 0",
        ),
    ),
)


def passed_bias_late(x, weights, biases):
    for W, b in zip(weights[:-1], biases[:-1]):
        x = relu(x @ W.T) + b
    return x @ weights[-1].T + biases[-1]


# --- pieces of affine maps -------------------------------------------------------------------------------


def collapsed(weights, biases, *, carry=True, add=True, reverse=False):
    W, b = weights[0], biases[0]
    for weight, bias in zip(weights[1:], biases[1:]):
        carried = weight @ b if carry else b
        W = W @ weight if reverse else weight @ W
        b = carried + bias if add else carried
    return W, b


def collapsed_late(weights, biases):
    """The weight is replaced first, and its new value then multiplies the bias."""
    W, b = weights[0], biases[0]
    for weight, bias in zip(weights[1:], biases[1:]):
        W = weight @ W
        b = W @ b + bias
    return W, b


collapse_layers = Exercise(
    name="collapse_layers",
    difficulty=2,
    minutes=10,
    read="What the nonlinearity is for",
    hints=(
        "Begin with two layers: insert z = W1 x + b1 into W2 z + b2 and multiply out.",
        "The new weight is W2 @ W1. Which two terms do not contain x?",
        "In a loop: W, b = weight @ W, weight @ b + bias.",
    ),
    cases=lambda rng: [
        chain(rng, 2, 2)[1:],
        chain(rng, 2, 2, 2)[1:],
        chain(rng, 3, 3, 3, 3)[1:],
        chain(rng, 2, 5, 3, 1)[1:],
    ],
    expected=lambda case: collapsed(*case),
    mistakes=(
        Mistake(
            name="biases-added",
            value=lambda case: attempted(lambda: collapsed(*case, carry=False)),
            says="an earlier bias also passes through the later weights: multiply it by them",
        ),
        Mistake(
            name="order",
            value=lambda case: attempted(lambda: collapsed(*case, reverse=True)),
            says="the product is in the wrong order: the first layer stands on the right, next to x",
        ),
        Mistake(
            name="product-on-bias",
            value=lambda case: attempted(lambda: collapsed_late(*case)),
            says="the bias b passes through the weight of the next layer, not through the whole product",
        ),
        Mistake(
            name="last-bias-alone",
            value=lambda case: (collapsed(*case)[0], case[1][-1]),
            says="only the last bias is there: those of the earlier layers pass through the later weights",
        ),
        Mistake(
            name="first-bias-alone",
            value=lambda case: collapsed(*case, add=False),
            says="only the first layer's bias is carried on: every layer adds its own",
        ),
    ),
)


def affine_cases(rng):
    cases = [
        (
            np.array([[1.0, 1.0], [1.0, -1.0]]),
            np.array([0.5, 0.0]),
            np.array([[2.0, 3.0]]),
            np.array([-1.0]),
            np.array([1.0, 1.0]),  # the second unit's pre-activation is exactly 0
        )
    ]
    for i, h, o in ((2, 3, 1), (3, 6, 2), (4, 16, 4)):
        (W1, W2), (b1, b2) = chain(rng, i, h, o)[1:]
        cases.append((W1, b1, W2, b2, rng.normal(size=i)))
    return cases


def local(W1, b1, W2, b2, x, *, gate=lambda z: z > 0, free_bias=False):
    on = gate(W1 @ x + b1) * 1.0
    return (W2 * on) @ W1, (W2 if free_bias else W2 * on) @ b1 + b2


local_affine = Exercise(
    name="local_affine",
    difficulty=3,
    minutes=15,
    read="What the nonlinearity is for",
    hints=(
        "Which hidden units are on at x? Those that are off can be removed from the network.",
        "A unit that is off contributes nothing: set its column of W2 to 0, or its row of W1 and its b1.",
        "With on = (W1 @ x + b1 > 0): W = (W2 * on) @ W1 and b = (W2 * on) @ b1 + b2.",
    ),
    cases=affine_cases,
    expected=lambda case: local(*case),
    mistakes=(
        Mistake(
            name="all-on",
            value=lambda case: local(*case, gate=lambda z: np.ones(len(z))),
            says="this is the network without ReLU: units that are off at x must drop out",
        ),
        Mistake(
            name="bias-not-gated",
            value=lambda case: local(*case, free_bias=True),
            says="the bias of units that are off still counts: they drop out with weights and bias",
        ),
        Mistake(
            name="off-instead-of-on",
            value=lambda case: local(*case, gate=lambda z: z <= 0),
            says="you kept the units that are off and removed those that are on",
        ),
        Mistake(
            name="tie-on",
            value=lambda case: local(*case, gate=lambda z: z >= 0),
            says="a unit whose pre-activation is exactly 0 counts as off: use > 0",
        ),
        Mistake(
            name="no-second-bias",
            value=lambda case: (local(*case)[0], local(*case)[1] - case[3]),
            says="the bias of the output layer is missing",
        ),
        Mistake(
            name="second-bias-alone",
            value=lambda case: (local(*case)[0], case[3]),
            says="b2 alone is too little: the biases b1 of the units that are on pass through W2",
        ),
        Mistake(
            name="output-as-bias",
            value=lambda case: (local(*case)[0], local(*case)[0] @ case[4] + local(*case)[1]),
            says="your b is the output at x: what W @ x gives is in it twice, so subtract it",
        ),
        Mistake(
            name="gate-without-bias",
            value=lambda case: local_ungated(*case),
            says="whether a unit is on depends on W1 @ x + b1, bias included",
        ),
    ),
)


def local_ungated(W1, b1, W2, b2, x):
    gated = W2 * (W1 @ x > 0)
    return gated @ W1, gated @ b1 + b2


# --- sizes as types --------------------------------------------------------------------------------------


def dense_main(cases):
    return listing([f"dense(&{rust(w)}, &{rust(b)}, &{rust(x)})" for w, b, x in cases])


def dense_cases(rng):
    cases = []
    for i, o in ((1, 2), (3, 4), (4, 1), (3, 3)):
        arrays = rng.normal(size=(o, i)).round(2), rng.normal(size=o).round(2), rng.normal(size=i).round(2)
        cases.append(tuple(array.tolist() for array in arrays))
    return cases


def dense(case, *, bias=1.0, first=0):
    w, b, x = map(np.array, case)
    return w[:, first:] @ x[first:] + bias * b


rust_dense = Exercise(
    name="rust_dense",
    difficulty=2,
    minutes=12,
    read="Who notices a wrong shape?",
    language="rust",
    program=dense_main,
    hints=(
        "Begin with `let mut z = [0.0; O];`: O is known to the compiler, so it may be the size of an array.",
        "For each unit o, start from bias[o] and add weight[o][i] * x[i] for all i in 0..I.",
        "Or `std::array::from_fn(|o| ...)`, which calls the closure for o = 0, ..., O - 1.",
    ),
    cases=dense_cases,
    expected=lambda case: dense(case).tolist(),
    mistakes=(
        Mistake(
            name="no-bias",
            value=lambda case: dense(case, bias=0.0).tolist(),
            says="the bias is missing",
        ),
        Mistake(
            name="bias-per-input",
            value=lambda case: dense(case, bias=len(case[2])).tolist(),
            says="the bias is added once for every input: add it once for every unit",
        ),
        Mistake(
            name="relu",
            value=lambda case: relu(dense(case)).tolist(),
            says="negative values are cut off: the pre-activations are asked for, before any ReLU",
        ),
        Mistake(
            name="assigned",
            value=lambda case: dense(case, first=len(case[2]) - 1).tolist(),
            says="only the last of the products is kept: add them up with `+=`",
        ),
        Mistake(
            name="not-reset",
            value=lambda case: np.cumsum(dense(case)).tolist(),
            says="each unit starts with the sum of the one before: begin again from its own bias",
        ),
    ),
)

square_blind = Choice(
    name="square_blind",
    difficulty=2,
    minutes=3,
    read="Who notices a wrong shape?",
    question="Which of these mistakes does the type `Matrix<R, C>` let through? Tick all.",
    options=(
        Option(
            text="A weight of 128 × 128 is used without its transpose.",
            says="Passes: a square matrix and its transpose have the same type.",
            right=True,
        ),
        Option(
            text="A batch of 32 × 784 is multiplied by a weight of 128 × 784, not transposed.",
            says="Refused: 784 columns meet 128 rows, and the two numbers are part of the types.",
        ),
        Option(
            text="The columns of the input are in another order than during training.",
            says="Passes: the order of columns is a matter of meaning, and the type knows only their number.",
            right=True,
        ),
        Option(
            text="The layers 784 → 128 and 128 → 10 are applied in the wrong order.",
            says="Refused: the input has 784 columns, and the layer 128 → 10 takes 128.",
        ),
    ),
)

# --- initial weights -------------------------------------------------------------------------------------


def variance(fan_in, fan_out, scheme):
    return {"he": 2 / fan_in, "xavier": 2 / (fan_in + fan_out), "torch": 1 / (3 * fan_in)}[scheme]


weight_std = Exercise(
    name="weight_std",
    difficulty=1,
    minutes=8,
    read="How large should weights be at the start?",
    hints=(
        "The standard deviation is the square root of the variance.",
        "The variance of the uniform distribution on (-u, u) is u²/3.",
        'With u = 1/√I the variance for "torch" is 1/(3 I).',
    ),
    cases=lambda rng: [
        (fan_in, fan_out, scheme)
        for fan_in, fan_out in ((int(rng.integers(2, 8)), 8), (784, 128), (128, 10))
        for scheme in ("he", "xavier", "torch")
    ],
    expected=lambda case: variance(*case) ** 0.5,
    mistakes=(
        Mistake(
            name="variance",
            value=lambda case: variance(*case),
            says="these are the variances: the standard deviation is the square root",
        ),
        Mistake(
            name="swapped",
            value=lambda case: variance(case[1], case[0], case[2]) ** 0.5,
            says="you used the number of units for the number of inputs: I is fan_in",
        ),
        Mistake(
            name="bound-as-std",
            value=lambda case: (variance(*case) * (3 if case[2] == "torch" else 1)) ** 0.5,
            says="for torch you returned the bound 1/√I: the standard deviation of U(-u, u) is u/√3",
        ),
        Mistake(
            name="mean-of-fans",
            value=lambda case: (variance(*case) * (0.5 if case[2] == "xavier" else 1)) ** 0.5,
            says="for xavier the variance is 2/(I + O): the 2 is there because the mean of I and O is meant",
        ),
        Mistake(
            name="he-without-2",
            value=lambda case: (variance(*case) * (0.5 if case[2] == "he" else 1)) ** 0.5,
            says="for he the variance is 2/I: the 2 makes up for the half that ReLU deletes",
        ),
    ),
)


def rms(a):
    return float(np.sqrt(np.mean(a * a)))


def sizes(x, weights, *, measure=rms, f=relu, before=False):
    found = []
    for W in weights:
        z = x @ W.T
        x = f(z)
        found.append(float(measure(z if before else x)))
    return found


sizes_by_layer = Exercise(
    name="sizes_by_layer",
    difficulty=2,
    minutes=10,
    read="How large should weights be at the start?",
    hints=(
        "The loop is that of a forward pass without biases; after each layer one number is noted.",
        "np.mean without an axis runs over all examples and all units.",
        "x = np.maximum(x @ W.T, 0), then append np.sqrt(np.mean(x**2)).",
    ),
    cases=lambda rng: [
        chain(rng, 2, 3)[:2],
        chain(rng, 3, 3, 3)[:2],
        chain(rng, 8, 16, 16, 4)[:2],
    ],
    expected=lambda case: sizes(*case),
    mistakes=(
        Mistake(
            name="standard-deviation",
            value=lambda case: sizes(*case, measure=np.std),
            says="this is the standard deviation, which subtracts the mean: the size is √mean(a²)",
        ),
        Mistake(
            name="mean-square",
            value=lambda case: sizes(*case, measure=lambda a: np.mean(a * a)),
            says="this is the mean square: take its root",
        ),
        Mistake(
            name="norm",
            value=lambda case: sizes(*case, measure=np.linalg.norm),
            says="this is the length of all activations together: take the mean of the squares, not the sum",
        ),
        Mistake(
            name="pre-activations",
            value=lambda case: sizes(*case, before=True),
            says="you measured before ReLU: the activations after it are asked for",
        ),
        Mistake(
            name="input-listed",
            value=lambda case: [rms(case[0]), *sizes(*case)],
            says="your list begins with the size of the input: it should begin after the first layer",
        ),
        Mistake(
            name="no-relu",
            value=lambda case: sizes(*case, f=lambda z: z),
            says="there is no ReLU in your layers",
        ),
    ),
)

depth_fates = Match(
    name="depth_fates",
    difficulty=2,
    minutes=4,
    read="Size is not signal",
    question="What becomes of the activations of a network with ReLU, 128 units wide, after thirty layers?",
    pairs=(
        (
            "Weights from N(0, 1), no biases",
            "They grow without limit.",
            "Iv/2 = 64: the mean square grows 64-fold in every layer.",
        ),
        (
            "Weights from N(0, 0.01²), no biases",
            "They vanish, and the signal with them.",
            "The factor √(Iv/2) is 0.08 per layer.",
        ),
        (
            "Weights and biases from U(-1/√I, 1/√I)",
            "Their size settles, but they hardly depend on the input.",
            "The biases keep the size up while the signal shrinks by 1/√6 per layer.",
        ),
        (
            "Weights from N(0, 2/I), no biases",
            "Their size is kept in the mean, and wanders from draw to draw.",
            "Iv/2 = 1: that is He's rule.",
        ),
    ),
)

ENTRIES = (
    outer_terms,
    rust_matmul,
    broadcast_mean,
    dense_batch,
    parameter_count,
    first_misfit,
    forward_relu,
    collapse_layers,
    local_affine,
    square_blind,
    rust_dense,
    depth_fates,
    weight_std,
    sizes_by_layer,
)
