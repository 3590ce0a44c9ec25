"""Exercises of 01_landscape: what is asked, which mistakes are known, and what to say about them."""

import math

import numpy as np

from dlcourse.course.exercises import Choice, Exercise, Match, Mistake, Option

# --- work and chain --------------------------------------------------------------------------------------


def cost(n, k, m, *, additions=-1, rounds=None):
    return n * m * (2 * k + additions), 1 + (math.ceil(math.log2(k)) if rounds is None else rounds)


product_cost = Exercise(
    name="product_cost",
    difficulty=1,
    minutes=8,
    read="Why graphics processors fit",
    hints=(
        "How many entries has the product? Each is one sum of k products: count its operations.",
        "A sum of k numbers takes k - 1 additions. In pairs, every round halves how many are left.",
        "The work is n m (2k - 1); the chain is one multiplication and the rounded-up log2 of k.",
    ),
    cases=lambda rng: [
        (2, 3, 4),
        (1, 1, 1),
        tuple(rng.integers(2, 12, 3).tolist()),
        (7, 9, 1),
        (3, 1000, 6),
        (64, 1024, 64),
    ],
    expected=lambda case: cost(*case),
    mistakes=(
        Mistake(
            name="k-additions",
            value=lambda case: cost(*case, additions=0),
            says="a sum of k numbers takes k - 1 additions, not k",
        ),
        Mistake(
            name="only-products",
            value=lambda case: (case[0] * case[1] * case[2], cost(*case)[1]),
            says="you counted the multiplications: the k - 1 additions of every entry belong to the work too",
        ),
        Mistake(
            name="one-after-the-other",
            value=lambda case: cost(*case, rounds=case[1] - 1),
            says="this chain adds one number after the other: in pairs, a round halves how many are left",
        ),
        Mistake(
            name="rounded-down",
            value=lambda case: cost(*case, rounds=int(math.log2(case[1]))),
            says="a number without a partner waits for the next round: round the logarithm up",
        ),
        Mistake(
            name="chain-without-product",
            value=lambda case: (cost(*case)[0], cost(*case)[1] - 1),
            says="the chain begins with the multiplications: they are one step of their own",
        ),
    ),
)

# --- features --------------------------------------------------------------------------------------------


def sums(x):
    images = x.reshape(-1, 8, 8)
    return images.sum(axis=2), images.sum(axis=1)


row_column_sums = Exercise(
    name="row_column_sums",
    difficulty=1,
    minutes=8,
    read="Three descriptions of a digit",
    hints=(
        "Give the batch the shape (N, 8, 8): which axis counts the rows of an image, which the columns?",
        "The sum of a row runs over the columns, that is, over the last axis.",
        "`np.hstack` puts the (N, 8) row sums and the (N, 8) column sums side by side.",
    ),
    cases=lambda rng: [
        (np.eye(64)[[0, 7, 56]],),
        (rng.random((1, 64)),),
        (rng.integers(0, 17, (5, 64)) / 16,),
    ],
    expected=lambda case: np.hstack(sums(case[0])),
    mistakes=(
        Mistake(
            name="columns-first",
            value=lambda case: np.hstack(sums(case[0])[::-1]),
            says="the columns come first here: summing over an axis makes that axis vanish, so the row sums "
            "are `sum(axis=2)`",
        ),
        Mistake(
            name="means",
            value=lambda case: np.hstack(sums(case[0])) / 8,
            says="these are means: the features are sums",
        ),
        Mistake(
            name="rows-twice",
            value=lambda case: np.hstack([sums(case[0])[0]] * 2),
            says="both halves hold the sums of the rows: one sum has to run over the other axis",
        ),
        Mistake(
            name="whole-batch",
            value=lambda case: np.concatenate([a.sum(axis=0) for a in sums(case[0])]),
            says="you added up the whole batch: every image keeps its own sixteen sums",
        ),
        Mistake(
            name="interleaved",
            value=lambda case: np.stack(sums(case[0]), axis=2).reshape(-1, 16),
            says="rows and columns alternate: first all eight row sums, then all eight column sums",
        ),
    ),
)


def folded(W, b, A, m, s):
    return W / s @ A, b - W / s @ m


def fold_cases(rng):
    cases = []
    for c, f, i in ((2, 3, 5), (1, 2, 2), (4, 4, 4)):
        W, A = rng.normal(size=(c, f)), rng.normal(size=(f, i))
        cases.append((W, rng.normal(size=c), A, rng.normal(size=f), rng.uniform(0.5, 2, f)))
    return cases


fold_weights = Exercise(
    name="fold_weights",
    difficulty=2,
    minutes=12,
    read="The same model in Rust and in Python",
    hints=(
        "Write the scores out and multiply the bracket: which part contains x, which does not?",
        "Dividing feature f by s_f is the same as dividing column f of W by s_f.",
        "With W/s for the scaled weights, V = (W/s) A and c = b - (W/s) m.",
    ),
    cases=fold_cases,
    expected=lambda case: folded(*case),
    mistakes=(
        Mistake(
            name="not-scaled",
            value=lambda case: folded(*case[:4], 1.0),
            says="the division by s is missing: each column of W belongs to one feature",
        ),
        Mistake(
            name="bias-kept",
            value=lambda case: (folded(*case)[0], case[1]),
            says="the means m are lost: their part does not depend on x, so it goes into the bias",
        ),
        Mistake(
            name="bias-sign",
            value=lambda case: (folded(*case)[0], 2 * case[1] - folded(*case)[1]),
            says="the sign of the means' part is wrong: m is subtracted from the features",
        ),
        Mistake(
            name="bias-not-scaled",
            value=lambda case: (folded(*case)[0], case[1] - case[0] @ case[3]),
            says="the means' part is divided by s as well: the whole bracket is",
        ),
        Mistake(
            name="multiplied",
            value=lambda case: folded(*case[:4], 1 / case[4]),
            says="you multiplied by s: the features are divided by it",
        ),
        Mistake(
            name="transposed",
            value=lambda case: (folded(*case)[0].T, folded(*case)[1]),
            says="V is transposed: it has one row for each class, (C, I)",
        ),
    ),
)

# --- k-means ---------------------------------------------------------------------------------------------


def kmeans(x, centres, *, extra=0, empty="kept", power=2, farthest=False, total=False, last=False):
    distance = (np.abs(x[:, None, :] - centres) ** power).sum(axis=2)
    groups = distance.argmax(axis=1) if farthest else distance.argmin(axis=1)
    if last:
        groups = len(centres) - 1 - distance[:, ::-1].argmin(axis=1)
    new = centres.astype(float)
    for g in range(len(centres)):
        members = x[groups == g]
        if len(members):
            new[g] = members.sum(axis=0) + extra * centres[g]
            new[g] /= 1 if total else len(members) + extra
        elif empty != "kept":
            new[g] = empty
    return new


kmeans_step = Exercise(
    name="kmeans_step",
    difficulty=2,
    minutes=15,
    read="Groups without labels",
    hints=(
        "Find the squared distance of every example from every centre, an array of shape (N, K).",
        "`argmin(axis=1)` gives each example its group; then go through the groups one by one.",
        "Start from a copy of the centres and overwrite row g with the mean of x[groups == g], if any.",
    ),
    cases=lambda rng: [
        (np.array([[0.0], [1.0], [9.0]]), np.array([[0.0], [10.0]])),
        (np.array([[0.0, 0.0], [2.0, 0.0]]), np.array([[1.0, 0.0], [1.0, 1.0], [50.0, 50.0]])),
        (np.array([[3.0, 3.0], [0.5, 0.0]]), np.array([[0.0, 0.0], [7.0, 4.0]])),
        (rng.normal(size=(12, 3)), rng.normal(size=(3, 3))),
        (rng.normal(size=(40, 2)), 2 * rng.normal(size=(5, 2))),
        (np.array([[0.0, 0.0]]), np.array([[2.0, 2.0], [0.0, 3.0]])),  # squares and sums disagree
        (np.array([[0.0], [3.0], [7.0]]), np.array([[2.0], [4.0]])),  # 3 is as near to 2 as to 4
    ],
    expected=lambda case: kmeans(*case),
    mistakes=(
        Mistake(
            name="empty-nan",
            value=lambda case: kmeans(*case, empty=np.nan),
            says="an empty group has no mean (0/0): its centre stays where it is",
        ),
        Mistake(
            name="empty-zero",
            value=lambda case: kmeans(*case, empty=0.0),
            says="a centre without members has moved to the origin: it should stay where it is",
        ),
        Mistake(
            name="old-counted",
            value=lambda case: kmeans(*case, extra=1),
            says="the old centre counts as a member here, as in linfa: the exercise wants the plain mean",
        ),
        Mistake(
            name="last-of-equals",
            value=lambda case: kmeans(*case, last=True),
            says="an example as near to two centres belongs to the first of them, as with argmin",
        ),
        Mistake(
            name="sum",
            value=lambda case: kmeans(*case, total=True),
            says="these are the sums of the groups: divide by the number of members",
        ),
        Mistake(
            name="farthest",
            value=lambda case: kmeans(*case, farthest=True),
            says="every example went to the centre farthest away: use argmin",
        ),
        Mistake(
            name="absolute",
            value=lambda case: kmeans(*case, power=1),
            says="you added up absolute differences: nearest is meant by the squared distance",
        ),
    ),
)


def named(groups, labels):
    return [np.bincount(labels[groups == g]) for g in np.unique(groups)]


cluster_accuracy = Exercise(
    name="cluster_accuracy",
    difficulty=1,
    minutes=10,
    read="Groups without labels",
    hints=(
        "Go through the groups one by one: which labels do its members have, and how often?",
        "`np.bincount(labels[groups == g]).max()` counts the members that carry the group's name.",
        "Add these counts over all groups and divide by the number of examples.",
    ),
    cases=lambda rng: [
        (np.array([0, 0, 0, 1, 1, 2]), np.array([7, 7, 1, 1, 1, 7])),
        (np.array([5, 5, 5, 5, 2]), np.array([0, 1, 0, 2, 2])),
        (rng.integers(0, 4, 40), rng.integers(0, 3, 40)),
        (np.array([1, 0, 1, 0]), np.array([0, 1, 0, 1])),
    ],
    expected=lambda case: sum(counts.max() for counts in named(*case)) / len(case[1]),
    mistakes=(
        Mistake(
            name="numbers-compared",
            value=lambda case: float(np.mean(case[0] == case[1])),
            says="you compared group numbers with labels: a group's number means nothing, so name it first",
        ),
        Mistake(
            name="mean-of-groups",
            value=lambda case: float(np.mean([counts.max() / counts.sum() for counts in named(*case)])),
            says="this is the mean over the groups: a large group has to count for more, so add up examples",
        ),
        Mistake(
            name="count",
            value=lambda case: int(sum(counts.max() for counts in named(*case))),
            says="this is the number of examples: the exercise asks for their share",
        ),
        Mistake(
            name="other-way",
            value=lambda case: sum(counts.max() for counts in named(case[1], case[0])) / len(case[1]),
            says="you named each label after a group: name each group after its most frequent label",
        ),
        Mistake(
            name="distinct",
            value=lambda case: len(np.unique(case[1])) / len(np.unique(case[0])),
            says="this compares the numbers of labels and of groups: count the examples",
        ),
    ),
)

# --- the hot loop ----------------------------------------------------------------------------------------


def vector(values):
    return f"[{', '.join(map(str, values))}]"


def nearest_main(cases):
    calls = [f"nearest(&[{', '.join('vec!' + vector(r) for r in rows)}], &{vector(x)})" for rows, x in cases]
    return 'fn main() {\n    println!("{:?}", [' + ", ".join(calls) + "]);\n}\n"


def distances(case, power=2):
    rows, x = case
    return [sum(abs(a - b) ** power for a, b in zip(row, x)) for row in rows]


def first_least(values):
    return values.index(min(values))


rust_nearest = Exercise(
    name="rust_nearest",
    difficulty=2,
    minutes=15,
    read="One hot loop",
    language="rust",
    program=nearest_main,
    hints=(
        "`for (index, row) in rows.iter().enumerate()` gives each row with its place.",
        "`row.iter().zip(x)` walks through both together; add up (a - b) * (a - b).",
        "Remember the best index and its distance, and replace them only where the new one is smaller, `<`.",
    ),
    cases=lambda rng: [
        ([[0, 0], [3, 3], [1, 0]], [2, 1]),
        ([[5, 5], [1, 1], [1, 1]], [1, 2]),  # a tie
        ([[3, 3], [0, 5]], [0, 0]),  # 18 against 25, but 6 against 5
        ([[9]], [4]),
        ([[1, 9, 9], [4, 0, 0], [2, 2, 1]], [1, 0, 0]),
        ([[-4, 0], [5, 0], [0, 6]], [0, 0]),
        ([[2, 0], [0, 2], [2, 2], [1, 1]], [3, 3]),
        (rng.integers(-6, 7, (4, 2)).tolist(), rng.integers(-6, 7, 2).tolist()),
        ([[3, 3], [4, 0]], [0, 0]),  # 18 against 16, but the largest differences are 3 and 4
        ([[5, -5], [1, 1]], [0, 0]),  # differences that cancel
    ],
    expected=lambda case: first_least(distances(case)),
    mistakes=(
        Mistake(
            name="last-of-equals",
            value=lambda case: len(case[0]) - 1 - first_least(distances(case)[::-1]),
            says="of equally near rows the first is wanted: replace the best only by a smaller one",
        ),
        Mistake(
            name="absolute-differences",
            value=lambda case: first_least(distances(case, power=1)),
            says="you added up absolute differences: square them",
        ),
        Mistake(
            name="signed-differences",
            value=lambda case: first_least([sum(r) - sum(case[1]) for r in case[0]]),
            says="positive and negative differences cancel: square each before adding",
        ),
        Mistake(
            name="square-of-sum",
            value=lambda case: first_least([(sum(r) - sum(case[1])) ** 2 for r in case[0]]),
            says="you squared the sum, where opposite differences cancel: square each before adding",
        ),
        Mistake(
            name="largest-difference",
            value=lambda case: first_least([max(abs(a - b) for a, b in zip(r, case[1])) for r in case[0]]),
            says="only the largest difference counts here: add up the squares of all of them",
        ),
        Mistake(
            name="farthest-row",
            value=lambda case: distances(case).index(max(distances(case))),
            says="this is the row farthest away: keep the smallest distance",
        ),
        Mistake(
            name="first-pixel",
            value=lambda case: first_least([abs(row[0] - case[1][0]) for row in case[0]]),
            says="only the first number of each row counts here: go through all of them",
        ),
        Mistake(
            name="distance-returned",
            value=lambda case: min(distances(case)),
            says="you returned the distance: the index of the row is wanted",
        ),
    ),
)

# --- energy and the table --------------------------------------------------------------------------------


def integral(t, p, *, left=0.5):
    t, p = np.asarray(t), np.asarray(p)
    return float(np.sum((left * p[:-1] + (1 - left) * p[1:]) * np.diff(t)))


energy_used = Exercise(
    name="energy_used",
    difficulty=1,
    minutes=8,
    read="Energy is power times time",
    hints=(
        "Between two notes the power runs in a straight line: what is its mean there?",
        "The energy of one interval is the mean of its two powers times its length.",
        "`np.diff(t)` holds the lengths, `(p[1:] + p[:-1]) / 2` the means; multiply and add up.",
    ),
    cases=lambda rng: [
        (np.array([0.0, 10.0]), np.array([50.0, 50.0])),
        (np.array([0.0, 1.0, 5.0]), np.array([10.0, 20.0, 40.0])),
        (np.array([3.0, 4.0, 4.5, 9.0]), np.array([5.0, 65.0, 30.0, 5.0])),
        (np.cumsum(rng.uniform(0.1, 3, 9)), rng.uniform(5, 90, 9)),
    ],
    expected=lambda case: integral(*case),
    mistakes=(
        Mistake(
            name="left-power",
            value=lambda case: integral(*case, left=1),
            says="each interval uses the power at its start only: take the mean of start and end",
        ),
        Mistake(
            name="right-power",
            value=lambda case: integral(*case, left=0),
            says="each interval uses the power at its end only: take the mean of start and end",
        ),
        Mistake(
            name="mean-of-notes",
            value=lambda case: float(np.mean(case[1]) * (case[0][-1] - case[0][0])),
            says="the plain mean of the notes is not the mean power: the notes are unevenly spaced, so each "
            "interval counts by its length",
        ),
        Mistake(
            name="watts-added",
            value=lambda case: float(np.sum(case[1])),
            says="you added watts: energy is power times time",
        ),
        Mistake(
            name="watt-hours",
            value=lambda case: integral(*case) / 3600,
            says="these are watt-hours: one watt for one second is a joule, so do not divide by 3600",
        ),
    ),
)


def places(values):
    return np.argsort(np.argsort(values))


def correlation(a, b):
    return float(np.corrcoef(a, b)[0, 1])


spearman = Exercise(
    name="spearman",
    difficulty=2,
    minutes=12,
    read="The table of twenty languages",
    hints=(
        "First replace every value by its place in the sorted order.",
        "`np.argsort` lists who stands at each place; you need the place at which each one stands.",
        "Applying argsort twice gives the places; then `np.corrcoef(...)[0, 1]` of both.",
    ),
    cases=lambda rng: [
        (np.array([3.0, 1.0, 2.0, 9.0]), np.array([20.0, 10.0, 400.0, 30.0])),
        (np.array([1.0, 10.0, 100.0]), np.array([1.0, 2.0, 3.0])),
        (np.array([0.5, 0.1]), np.array([1.0, 7.0])),
        (np.array([5.0, 2.0, 8.0, 1.0, 9.0]), np.array([2.0, 8.0, 1.0, 9.0, 3.0])),
        (np.exp(rng.normal(size=9)), np.exp(rng.normal(size=9))),
    ],
    expected=lambda case: correlation(places(case[0]), places(case[1])),
    mistakes=(
        Mistake(
            name="values",
            value=lambda case: correlation(*case),
            says="this is the correlation of the values: replace them by their places first",
        ),
        Mistake(
            name="argsort-once",
            value=lambda case: correlation(np.argsort(case[0]), np.argsort(case[1])),
            says="argsort says who stands at each place, not at which place each one stands: apply it twice",
        ),
        Mistake(
            name="one-reversed",
            value=lambda case: -correlation(places(case[0]), places(case[1])),
            says="one ranking starts with the largest, the other with the smallest: the sign is wrong",
        ),
        Mistake(
            name="logarithms",
            value=lambda case: correlation(np.log(case[0]), np.log(case[1])),
            says="this is the correlation of the logarithms: only the places count",
        ),
        Mistake(
            name="not-centred",
            value=lambda case: float(
                places(case[0]) @ places(case[1]) / np.sum(np.arange(len(case[0])) ** 2)
            ),
            says="the means of the places were not subtracted: compare deviations from the mean",
        ),
    ),
)


def weighted(ratios, weights):
    return float(np.exp(np.average(np.log(ratios), weights=weights)))


def by_product(ratios, weights):
    with np.errstate(all="ignore"):
        return float(np.prod(np.asarray(ratios) ** weights) ** (1 / np.sum(weights)))


geometric_mean = Exercise(
    name="geometric_mean",
    difficulty=1,
    minutes=8,
    read="How to read a benchmark table",
    hints=(
        "Take the logarithm of the formula: what becomes of the product and of the powers?",
        "The logarithm of a geometric mean is the weighted mean of the logarithms.",
        "`np.average(np.log(ratios), weights=weights)`, and then the exponential of it.",
    ),
    cases=lambda rng: [
        (np.array([1.0, 4.0]), np.array([1.0, 1.0])),
        (np.array([2.0, 3.0, 5.0]), np.array([1.0, 0.0, 2.0])),
        (np.array([0.1, 10.0]), np.array([3.0, 1.0])),
        (np.full(400, 10.0), np.ones(400)),  # 10^400 is no float
        (rng.uniform(0.5, 90, 6), rng.uniform(0, 3, 6)),
    ],
    expected=lambda case: weighted(*case),
    mistakes=(
        Mistake(
            name="arithmetic",
            value=lambda case: float(np.average(case[0], weights=case[1])),
            says="this is the arithmetic mean: the geometric one averages logarithms",
        ),
        Mistake(
            name="product",
            value=lambda case: by_product(*case),
            says="the product of many ratios overflows: add logarithms instead",
        ),
        Mistake(
            name="weights-not-used",
            value=lambda case: weighted(case[0], np.ones(len(case[0]))),
            says="the weights have no effect here",
        ),
        Mistake(
            name="by-number",
            value=lambda case: float(np.exp(np.mean(case[1] * np.log(case[0])))),
            says="you divided by the number of ratios: divide by the sum of the weights",
        ),
        Mistake(
            name="logarithm-kept",
            value=lambda case: math.log(weighted(*case)),
            says="this is the logarithm of the mean: take its exponential",
        ),
    ),
)


def left_over(rows, *, all_smaller=False, equals_lose=False, larger=False):
    rows = -np.asarray(rows) if larger else np.asarray(rows)
    kept = []
    for i, row in enumerate(rows):
        others = np.delete(rows, i, axis=0)
        better = (others < row).all(axis=1) if all_smaller else (others <= row).all(axis=1)
        if not (all_smaller or equals_lose):
            better &= (others < row).any(axis=1)
        if not better.any():
            kept.append(i)
    return kept


undominated = Exercise(
    name="undominated",
    difficulty=2,
    minutes=15,
    read="How to read a benchmark table",
    hints=(
        "Compare one row with all rows at once: `rows <= row` is an array of shape (N, K).",
        "Row j dominates if `(rows[j] <= row).all()` and `(rows[j] < row).any()`.",
        "Keep index i if no row dominates it; a row never dominates itself, as `any` is false there.",
    ),
    cases=lambda rng: [
        (np.array([[1.0, 3.0], [2.0, 2.0], [3.0, 1.0], [3.0, 3.0]]),),
        (np.array([[1.0, 2.0], [1.0, 3.0], [4.0, 1.0]]),),  # equal in one column
        (np.array([[2.0, 2.0], [2.0, 2.0], [5.0, 1.0]]),),  # two equal rows
        (rng.integers(0, 6, (12, 3)).astype(float),),
        (rng.random((8, 2)),),
    ],
    expected=lambda case: left_over(case[0]),
    mistakes=(
        Mistake(
            name="smaller-everywhere",
            value=lambda case: left_over(case[0], all_smaller=True),
            says="a row also dominates if it is equal in some columns and smaller in one",
        ),
        Mistake(
            name="equals-lose",
            value=lambda case: left_over(case[0], equals_lose=True),
            says="two equal rows threw each other out: to dominate, a row must be smaller in one column",
        ),
        Mistake(
            name="column-winners",
            value=lambda case: sorted({int(i) for i in case[0].argmin(axis=0)}),
            says="these are the winners of the single columns: a compromise that nobody beats counts too",
        ),
        Mistake(
            name="larger-is-better",
            value=lambda case: left_over(case[0], larger=True),
            says="you kept the rows that are largest: the columns are costs, smaller is better",
        ),
        Mistake(
            name="dominated-rows",
            value=lambda case: [i for i in range(len(case[0])) if i not in left_over(case[0])],
            says="these are the rows that are dominated: return the others",
        ),
    ),
)


def rebased(table, divide):
    return {name: tuple(divide(row)) for name, row in table.items()}


def over(row, base):
    return tuple(a / b for a, b in zip(row, base))


rebase = Exercise(
    name="rebase",
    difficulty=1,
    minutes=6,
    read="How to read a benchmark table",
    hints=(
        "Which row becomes all ones, and what must it be divided by?",
        "Every column has its own unit: the reference's own entry in that column.",
        "For each row, divide entry by entry by `table[language]`; `zip(row, table[language])` pairs them.",
    ),
    cases=lambda rng: [
        ({"A": (3.0, 1.0, 4.0), "B": (2.0, 8.0, 0.5)}, "B"),
        ({name: tuple((rng.integers(1, 200, 2) / 4).tolist()) for name in "ABC"}, "C"),
        ({"C": (1.00, 1.00, 1.17), "Rust": (1.03, 1.04, 1.54), "Pascal": (2.14, 3.02, 1.00)}, "Rust"),
    ],
    expected=lambda case: rebased(case[0], lambda row: over(row, case[0][case[1]])),
    mistakes=(
        Mistake(
            name="upside-down",
            value=lambda case: rebased(case[0], lambda row: over(case[0][case[1]], row)),
            says="the quotients are upside down: the reference stands below",
        ),
        Mistake(
            name="one-unit",
            value=lambda case: rebased(case[0], lambda row: [v / case[0][case[1]][0] for v in row]),
            says="all columns are divided by the reference's first entry: each column has its own",
        ),
        Mistake(
            name="subtracted",
            value=lambda case: rebased(case[0], lambda row: [a - b for a, b in zip(row, case[0][case[1]])]),
            says="these are differences: a ratio needs a division",
        ),
        Mistake(
            name="by-the-best",
            value=lambda case: rebased(
                case[0], lambda row: over(row, [min(c) for c in zip(*case[0].values())])
            ),
            says="every column is divided by its smallest entry: divide by the row of the given language",
        ),
        Mistake(
            name="unchanged",
            value=lambda case: dict(case[0]),
            says="the table has not changed: divide every row by the row of the given language",
        ),
    ),
)


def mean_or_none(ratios, *, empty=None, accepts=lambda r: r > 0, arithmetic=False, root=True):
    if not ratios:
        return empty
    if not all(accepts(r) for r in ratios):
        return None
    if arithmetic:
        return text_of(sum(ratios) / len(ratios))
    logs = sum(math.log(r) if r > 0 else -math.inf if r == 0 else math.nan for r in ratios)
    return text_of(math.exp(logs / (len(ratios) if root else 1)))


def text_of(value):
    """JSON has no NaN: it travels as a text."""
    return "NaN" if math.isnan(value) else value


def mean_main(cases):
    literal = lambda r: "f64::NAN" if math.isnan(r) else repr(float(r))  # noqa: E731
    slices = ", ".join(f"&[{', '.join(map(literal, ratios))}]" for (ratios,) in cases)
    helper = """fn json(mean: Option<f64>) -> String {
    mean.map_or("null".to_string(), |m| if m.is_nan() { "\\"NaN\\"".to_string() } else { format!("{m:?}") })
}
"""
    return helper + (
        f"fn main() {{\n    let cases: [&[f64]; {len(cases)}] = [{slices}];\n"
        "    let shown: Vec<String> = cases.iter().map(|ratios| json(geometric_mean(ratios))).collect();\n"
        '    println!("[{}]", shown.join(", "));\n}\n'
    )


rust_mean = Exercise(
    name="rust_mean",
    difficulty=2,
    minutes=12,
    read="How to read a benchmark table",
    language="rust",
    program=mean_main,
    hints=(
        "First decide when there is no answer and `return None;`; the rest is `Some(...)`.",
        "`ratios.iter().all(|&r| r > 0.0)` asks all of them; a comparison with NaN is false.",
        "Add up `r.ln()`, divide by `ratios.len() as f64`, and take `.exp()`.",
    ),
    cases=lambda rng: [
        ([1.0, 4.0],),
        ([],),
        ([2.0, 0.0, 3.0],),
        ((rng.integers(-40, 41, 5) / 4).tolist(),),
        ([1.5, math.nan],),
        ([10.0, 0.1, 3.0],),
        ([7.0],),
    ],
    expected=lambda case: mean_or_none(case[0]),
    mistakes=(
        Mistake(
            name="arithmetic",
            value=lambda case: mean_or_none(case[0], arithmetic=True),
            says="this is the arithmetic mean: average the logarithms",
        ),
        Mistake(
            name="no-root",
            value=lambda case: mean_or_none(case[0], root=False),
            says="this is the product: divide the sum of the logarithms by their number",
        ),
        Mistake(
            name="empty-is-one",
            value=lambda case: mean_or_none(case[0], empty=1.0),
            says="an empty slice has no mean: return None",
        ),
        Mistake(
            name="nan-when-empty",
            value=lambda case: mean_or_none(case[0], empty="NaN"),
            says="for an empty slice you divided 0 by 0 and got Some(NaN): return None",
        ),
        Mistake(
            name="nan-let-in",
            value=lambda case: mean_or_none(case[0], accepts=lambda r: not r <= 0),
            says="NaN got through, since `r <= 0.0` is false for it: ask whether all ratios are `> 0.0`",
        ),
        Mistake(
            name="zero-let-in",
            value=lambda case: mean_or_none(case[0], accepts=lambda r: r >= 0),
            says="zero is not a positive ratio: return None for it",
        ),
        Mistake(
            name="nothing-checked",
            value=lambda case: mean_or_none(case[0], empty="NaN", accepts=lambda r: True),
            says="ratios that are not positive numbers got through: return None for them",
        ),
    ),
)

# --- self-checks -----------------------------------------------------------------------------------------

family_match = Match(
    name="family_match",
    difficulty=1,
    minutes=3,
    read="The families, by what they assume",
    question="Which family's assumption fits which task?",
    pairs=(
        (
            "A scratch may be anywhere on a photographed part.",
            "convolutional",
            "The scratch is local and looks the same everywhere: a small window, shared by all places.",
        ),
        (
            "A sensor reports once a second; answer after each report, for ever.",
            "recurrent",
            "A summary of fixed size is carried forward, and nothing later is needed.",
        ),
        (
            "A word at the end of a paragraph refers to a name at its beginning.",
            "Transformer",
            "Attention joins any two positions in one layer.",
        ),
        (
            "Twenty unrelated measurements of a patient, in a fixed table.",
            "dense",
            "There is no neighbourhood and no order to exploit.",
        ),
        (
            "Invent new samples that look like the given ones.",
            "adversarial",
            "A generator is trained against a judge; their layers may be of any kind.",
        ),
    ),
)

linear_features = Choice(
    name="linear_features",
    difficulty=2,
    minutes=3,
    read="The same model in Rust and in Python",
    question="A linear classifier on the pixels is to be improved by adding features. Which of these could "
    "lower its loss on the training data (without a penalty)? Tick all.",
    options=(
        Option(
            text="The mean brightness of each quarter of the image.",
            says="It is a linear function of the pixels: the weights of the pixels can already express it.",
        ),
        Option(
            text="The square of the total ink.",
            says="Right. It is not linear in the pixels, so no weights of the pixels produce it.",
            right=True,
        ),
        Option(
            text="For each row, whether its ink exceeds a threshold.",
            says="Right. A threshold is not linear; a hidden unit is a smooth relative of this feature.",
            right=True,
        ),
        Option(
            text="Ten random weighted sums of the pixels.",
            says="Random or not, weighted sums are linear, and fold into the weights.",
        ),
    ),
)

rust_features = Choice(
    name="rust_features",
    difficulty=1,
    minutes=4,
    source="B1.1",
    read="What Rust promises",
    question="Which features of Rust suit deep learning, and for the right reason? Tick the three true ones.",
    options=(
        Option(
            text="Ownership: memory is freed at a known point, without a collector's pauses.",
            says="Right. Large arrays live and die at the end of their owner's scope; chapter 4 measures it.",
            right=True,
        ),
        Option(
            text="Borrow rules extend to threads: two writers without synchronisation do not compile.",
            says="Right. Loaders and workers share data without data races; deadlocks are still possible.",
            right=True,
        ),
        Option(
            text="It is compiled to machine code: a hot loop need not be moved into another language.",
            says="Right. The loop of this chapter is an example, and chapter 5 measures with more care.",
            right=True,
        ),
        Option(
            text="The compiler proves that a gradient is right.",
            says="It checks types and memory. A wrong sign compiles; a gradient check finds it.",
        ),
        Option(
            text="A safe program cannot leak memory.",
            says="It can: two values that count references to each other are never freed (chapter 4).",
        ),
        Option(
            text="The language itself lowers the energy of a computation, beyond its run time.",
            says="The energy table does not show it, and a study that looked for it did not find it.",
        ),
    ),
)

feature_bug = Match(
    name="feature_bug",
    difficulty=2,
    minutes=4,
    source="B1.1",
    read="What Rust promises",
    question="Match each feature of Rust with the bug that it prevents.",
    pairs=(
        (
            "one owner for each value",
            "a buffer is freed twice",
            "Only the owner frees, and a moved value has a new owner.",
        ),
        (
            "lifetimes of references",
            "a view of an array that has been freed is read",
            "A reference must not outlive what it points to.",
        ),
        (
            "one writer or many readers",
            "two threads add to one gradient and lose updates",
            "The second writer is refused (E0499), as in the cell above.",
        ),
        (
            "Option instead of a null value",
            "a missing label is used as if it were there",
            "The value is inside Some: it can be reached only after asking.",
        ),
        (
            "no silent conversion of numbers",
            "a byte meets a float, and the result is of a type nobody chose",
            "The product of u8 and f64 is refused (E0277); the conversion has to be written.",
        ),
    ),
)

energy_cause = Choice(
    name="energy_cause",
    difficulty=2,
    minutes=3,
    read="The table of twenty languages",
    question="A service is rewritten in another language. It now takes half the time and 45 % of the energy. "
    "What may be concluded? Tick all.",
    options=(
        Option(
            text="The mean power has fallen by a tenth.",
            says="Right. 0.45 / 0.5 = 0.9, by E = P t.",
            right=True,
        ),
        Option(
            text="Most of the saving is explained by the shorter run.",
            says="Right. Half the time at the same power would have saved 50 of the 55 points.",
            right=True,
        ),
        Option(
            text="The new language draws less power.",
            says="Programs draw power. The active cores, the use of memory or the algorithm may differ.",
        ),
        Option(
            text="Rewriting other services in this language will save 55 % as well.",
            says="One program in one place: the next one may spend its time waiting for a database.",
        ),
    ),
)

ratio_reading = Choice(
    name="ratio_reading",
    difficulty=1,
    minutes=2,
    read="How to read a benchmark table",
    question="In the table's memory column stand 6.01 for Java and 2.80 for Python. What does that say?",
    options=(
        Option(
            text="Java's programs used 6.01 MB and Python's 2.80 MB.",
            says="The column has no megabytes: an idle Python alone needs more than 2.80 of them.",
        ),
        Option(
            text="In this table, Java's programs used about 2.1 times as much memory as Python's.",
            says="Right. The common reference cancels: 6.01 / 2.80.",
            right=True,
        ),
        Option(
            text="Java's programs used 6.01 times as much memory as those in C.",
            says="The reference of a column is its best language, here Pascal; C itself has 1.17.",
        ),
        Option(
            text="A program that is translated from Python to Java will need 3.21 MB more.",
            says="Differences of ratios are not megabytes, and ten small programs are not yours.",
        ),
    ),
)

ENTRIES = (
    family_match,
    product_cost,
    row_column_sums,
    fold_weights,
    linear_features,
    kmeans_step,
    cluster_accuracy,
    rust_features,
    feature_bug,
    rust_nearest,
    energy_used,
    energy_cause,
    spearman,
    geometric_mean,
    undominated,
    rebase,
    rust_mean,
    ratio_reading,
)
