"""Twelve questions for a written exam, 90 minutes, 48 points; the key is for graders and in no page.

`dlcourse exam` writes two files into the instructor's folder: exam.md, and exam-key.md.
"""

from dlcourse.course import atomic

POINTS = 4
QUESTIONS = (  # (chapter, question, key)
    (
        "02",
        "What is `200u8.wrapping_add(100)`, what does `200u8.checked_add(100)` return, and what does "
        "plain `+` do in a debug build?",
        "44; None; it panics. (4: all three; 1 point off per slip, reason for 44: 300 - 256)",
    ),
    (
        "03",
        'Why does rustc refuse `let a = &v[0]; v.push(1); println!("{a}");`, and what is the smallest '
        "repair?",
        "push borrows v mutably while `a` is alive and may move the elements (2); copy the value, "
        "`let a = v[0]` (2)",
    ),
    (
        "05",
        "A program spends 20 % of its time in a part that cannot be shared. How much faster can it "
        "become on 4 cores, and on any number?",
        "1 / (0.2 + 0.8 / 4) = 2.5 (2); at most 5 (2)",
    ),
    (
        "06",
        "Show that the gradient of cross-entropy after softmax is p - y, for one example.",
        "dL/ds_j = -sum_i y_i (delta_ij - p_j) = p_j - y_j, using sum y = 1 (4; the rule for log p alone 2)",
    ),
    (
        "07",
        "Give weights and biases of a network with two hidden step units that computes XOR. Check all "
        "inputs.",
        "For example AND, OR, and OR but not AND: biases -1.5, -0.5, output -2, 1, bias -0.5 (3); the "
        "table (1)",
    ),
    (
        "08",
        "A layer maps (N, 100) to (N, 50). Give the shapes of weight and bias, and the number of "
        "parameters. What do two such layers without activation amount to?",
        "(50, 100), (50,), 5,050 (2); one affine map (2)",
    ),
    (
        "10",
        "For y = W x + b and a gradient d of the loss by y, give the gradients by W, b and x with "
        "their shapes.",
        "d x^T (out, in); d (out,); W^T d (in,) (1 each, 1 for the shapes)",
    ),
    (
        "12",
        "Validation loss rises from epoch 8 on. Name two remedies, and say how each changes what is "
        "minimised or what is kept.",
        "Two of: early stopping, weight decay, dropout, more data or augmentation (1 each, 1 per reason)",
    ),
    (
        "13",
        "Two threads run `x = x + 1` a hundred times each, without a lock. What is the smallest "
        "possible result, and by which schedule?",
        "2 (2); one reads 0 and sleeps, the other does 99, the first writes 1, the second reads 1, "
        "the first finishes, the second writes 2 (2)",
    ),
    (
        "15",
        "A 32 by 32 image, kernel 5, stride 2, padding 2: what size comes out? How many parameters "
        "has the layer with 3 channels in and 8 out?",
        "floor((32 + 4 - 5) / 2) + 1 = 16 (2); 8 * 3 * 25 + 8 = 608 (2)",
    ),
    (
        "17",
        "A recurrent unit h_t = tanh(w h_{t-1} + x_t) has w = 0.5. Bound the influence of x_1 on "
        "h_21, and say what follows for training.",
        "at most 0.5 ** 20, about 1e-6 (3); the gradient vanishes (1)",
    ),
    (
        "18",
        "The forget gate is 0.9 at every step, input gates are 0. What is left of the cell after 20 "
        "steps, and which bias of the gate gives 0.9?",
        "0.9 ** 20, about 0.12 (2); log(0.9 / 0.1), about 2.2 (2)",
    ),
)


def write(folder):
    """Write exam.md and exam-key.md into the folder; return both paths."""
    folder.mkdir(parents=True, exist_ok=True)
    head = f"{len(QUESTIONS)} questions, {POINTS} points each, 90 minutes.\n"
    exam, key = [f"# Exam\n\n{head}"], [f"# Exam: the key\n\n{head}"]
    for number, (chapter, question, answer) in enumerate(QUESTIONS, 1):
        exam.append(f"{number}. {question}\n")
        key.append(f"{number}. (chapter {chapter}) {answer}\n")
    paths = folder / "exam.md", folder / "exam-key.md"
    for path, lines in zip(paths, (exam, key)):
        atomic.write(path, "\n".join(lines))
    return paths
