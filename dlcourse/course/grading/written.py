"""Questions that a person grades, one per chapter, each with its rubric."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Question:
    """rubric: (points, what earns them), for graders; students see it with their feedback."""

    name: str
    title: str
    text: str
    rubric: tuple

    @property
    def points(self):
        return sum(points for points, _ in self.rubric)


def questions(slug):
    return QUESTIONS.get(slug, ())


def question(name, title, text, *rubric):
    lines = tuple((points, " ".join(words.split())) for points, words in rubric)
    return (Question(f"explain-{name}", title, " ".join(text.split()), lines),)


QUESTIONS = {
    "00_setup": question(
        "reproduce",
        "The same number again",
        """A friend runs your notebook and gets 0.9412 where you got 0.9408. Name three causes that
        the notebook's author can rule out, and for each the line or file that does it. Which
        difference can remain all the same?""",
        (2, "names seeds, pinned versions and the number of threads (two of them: 1)"),
        (
            1,
            """says for each what fixes it: a generator with a seed, a lock file, an environment
        variable""",
        ),
        (1, "another processor or library may round in another order: compare within a tolerance"),
    ),
    "01_landscape": question(
        "fair-race",
        "A fair comparison",
        """A blog says: *our Rust program trains 40 times faster than Python*. Which four facts do
        you need before you believe the number, and how would you measure it yourself?""",
        (
            2,
            """asks for what was compared: same algorithm, same data, NumPy or plain loops, build
        flags, threads (half of them: 1)""",
        ),
        (1, "measures several times on a quiet machine and gives the spread"),
        (1, "checks that both compute the same result"),
    ),
    "02_rust_primer": question(
        "overflow",
        "When a sum does not fit",
        """`250u8 + 10` is an error in one build, 4 in another, and 260 in Python. Explain all
        three, and say which method of `u8` you would call in a program that counts pixels, and
        why.""",
        (1, "debug builds panic on overflow"),
        (1, "release builds wrap around modulo 256; Python's integers grow"),
        (
            2,
            """chooses checked_, saturating_ or wrapping_add, or a wider type, with a reason that fits
        counting""",
        ),
    ),
    "03_ownership": question(
        "borrow",
        "Why the compiler refuses",
        """Write four lines of Rust that the compiler refuses with E0502 (a mutable borrow while a
        shared one is alive). Say what could go wrong at run time if it accepted them, and give
        two repairs with what each costs.""",
        (1, "the four lines do give E0502"),
        (1, "names the danger: the vector may move while somebody points into it"),
        (2, "two repairs, such as a shorter borrow or a copy, each with its price"),
    ),
    "04_memory": question(
        "leak",
        "Memory that does not come back",
        """A training script's memory grows by 3 MB per epoch. Describe how you find out whether it
        is a leak, a cache or the allocator, in Python and in Rust, and give a likely cause in
        each language.""",
        (1, "watches over several epochs and tells growth without end from a plateau"),
        (1, "compares what the program holds with what the process holds"),
        (
            2,
            """a likely cause per language: a list of losses that keeps its graph, a cycle; a cycle of
        Rc, a growing Vec""",
        ),
    ),
    "05_speed": question(
        "amdahl",
        "Eight cores, twice as fast",
        """On eight cores a program runs only 2.1 times as fast as on one. Estimate its serial
        share by Amdahl's law, name two causes that the law does not know, and say what you
        would measure to tell them apart.""",
        (2, "solves 1/(s + (1 - s)/8) = 2.1 for s: about 0.40 (the right equation alone: 1)"),
        (1, "two of: memory bandwidth, cost of starting threads, false sharing, uneven work"),
        (1, "a measurement for each: fewer cores, larger problem, time per thread"),
    ),
    "06_losses_and_descent": question(
        "which-loss",
        "Which loss?",
        """House prices with a few wrong by a factor of ten; counts of visitors per hour; a
        diagnosis with three exclusive outcomes. Choose a loss for each, and say how its
        gradient behaves where the prediction is far off.""",
        (1, "Huber or absolute error for the prices: a bounded gradient"),
        (1, "Poisson or squared error of a transformed count, with a reason"),
        (2, "cross-entropy on logits for the diagnosis: gradient p - y, at most 1, no saturation"),
    ),
    "07_perceptron_xor": question(
        "one-line",
        "What one line cannot do",
        """Prove in your own words that no single unit computes XOR, without a picture. Then say
        what exactly the hidden layer changes about your proof.""",
        (2, "adds the four inequalities (or two pairs) to a contradiction; one pair alone: 1"),
        (1, "says that the units' outputs are new coordinates"),
        (1, "shows that in these the points can be separated, with numbers or a drawing"),
    ),
    "08_forward_pass": question(
        "shapes",
        "Shapes before numbers",
        """A batch of 32 pictures, 28 by 28, goes through layers with 128, 64 and 10 units. Give
        the shape of every weight, bias and activation, the number of parameters and of
        multiplications, and the one place where the batch size appears.""",
        (2, "all shapes (one slip: 1)"),
        (1, "109,386 parameters; 108,544 multiplications per picture"),
        (1, "the batch size stands in the activations alone"),
    ),
    "09_autodiff": question(
        "modes",
        "Forward or reverse?",
        """A function takes a million parameters to one loss; another takes one time to a thousand
        positions. Which mode of automatic differentiation for each, what does each cost in time
        and memory, and why are finite differences no third way?""",
        (2, "reverse for the first, forward for the second, with the number of passes"),
        (1, "reverse keeps every intermediate value, forward none"),
        (1, "finite differences: one pass per parameter, and truncation against rounding"),
    ),
    "10_backprop_max": question(
        "blame",
        "Who gets the blame?",
        """In a layer the gradient of the weights is an outer product. Derive this for one example,
        then explain why a unit whose input is zero learns nothing in this step, and why a dead
        ReLU never recovers.""",
        (2, "dL/dW = delta x^T with every index or shape (result alone: 1)"),
        (1, "the factor x is zero"),
        (1, "its slope is zero for all inputs, so delta is zero for all"),
    ),
    "11_mlp_project": question(
        "report",
        "A report in half a page",
        """Your network reaches 96.1 % on the test set, the baseline 95.4 %, with 360 test
        pictures. Write half a page for somebody who decides whether to use it: what you
        measured, how sure you are, what you would do next.""",
        (
            2,
            """the difference is two or three pictures: gives an interval or several seeds, and does
        not claim a victory""",
        ),
        (
            1,
            """says what data, split and choice were used, and that the test set was not looked at
        before""",
        ),
        (1, "a next step that follows from the errors"),
    ),
    "12_training_craft": question(
        "curves",
        "Reading curves",
        """Training loss falls, validation loss rises after epoch 8, validation accuracy still
        grows until epoch 20. Explain how that can be, and say which epoch you keep, for two
        purposes of your choice.""",
        (
            2,
            """loss punishes confident mistakes, accuracy counts signs only: wrong ones grow surer
        while more become right""",
        ),
        (1, "keeps the minimum of the loss where probabilities are used"),
        (
            1,
            """keeps the best accuracy where only the decision counts, and says on which data it was
        chosen""",
        ),
    ),
    "13_threads": question(
        "race",
        "A race that never shows",
        """Two threads add to a counter without a lock, and a million test runs are right. Show a
        schedule that loses an addition, say why tests do not find it, and what Rust does with
        the same program.""",
        (2, "a schedule with both reads before both writes"),
        (1, "the window is short, and the interpreter or the machine seldom switches there"),
        (
            1,
            """Rust refuses it: the counter is not Sync or is borrowed twice; Mutex or an atomic is
        needed""",
        ),
    ),
    "14_concurrent_training": question(
        "stale",
        "Old gradients",
        """A worker computes its gradient with weights that are three steps old. When does training
        still work, when does it not, and which two designs avoid the question? Give the price
        of each.""",
        (
            2,
            """small steps and few workers: the error grows with learning rate and delay; large ones
        diverge""",
        ),
        (1, "synchronous averaging: waits for the slowest"),
        (1, "another: fewer workers, larger batches, or locks; with its price"),
    ),
    "15_convolution": question(
        "twice",
        "Convolution and correlation",
        """Libraries call cross-correlation a convolution. Show the difference on a kernel of
        length 3, say why learning does not care, and name a place where it does matter.""",
        (1, "the flipped kernel, with numbers"),
        (1, "a learned kernel comes out flipped"),
        (
            2,
            """where it matters: fixed kernels, commutativity, the gradient of the input, or loading
        weights""",
        ),
    ),
    "16_cnn": question(
        "shift",
        "What a shift does",
        """A picture of a cat is moved by one pixel. What happens to the output of a convolution,
        of a max pooling with stride 2, and of the class scores? Say how you would test it and
        what you expect to find.""",
        (1, "convolution: the map moves along, apart from its border"),
        (
            2,
            """pooling with stride: only for even shifts exactly; scores change a little (one of them:
        1)""",
        ),
        (1, "a test with numbers: shift, compare, several shifts"),
    ),
    "17_rnn": question(
        "long-ago",
        "Remembering long ago",
        """Why does a plain recurrent network find it hard to learn that the first of 50 tokens
        decides the answer? Derive the factor that is responsible, and say what gradient
        clipping does and does not cure.""",
        (
            2,
            """the product of 49 Jacobians: slopes times the recurrent matrix, so it shrinks or grows
        like a power""",
        ),
        (1, "clipping bounds a step where it explodes"),
        (1, "and gives nothing back where it vanishes"),
    ),
    "18_lstm": question(
        "forget",
        "The forget gate's bias",
        """Explain from the cell's equation why the forget gate's bias is often started at 1, what
        the cell would do at -5, and how you would see the effect in an experiment of ten lines.""",
        (2, "c_t = f c_{t-1} + i g: the path's slope is f, sigmoid(1) = 0.73 per step against 0.5"),
        (1, "at -5 the cell forgets at once: f is 0.007"),
        (
            1,
            """an experiment that varies the bias and measures a gradient or an accuracy over the
        distance""",
        ),
    ),
    "19_gan": question(
        "flat-losses",
        "Two flat lines",
        """A log shows the discriminator's loss at 1.386 and the generator's at 0.693, both unchanged
        for an hour. A colleague concludes: equilibrium, the samples are as good as they get. Say
        what the two numbers do tell, describe two trainings with this very log whose generator
        is useless, and give two measurements that expose them without using either loss.""",
        (1, "the discriminator answers one half everywhere: 2 ln 2 and ln 2; it cannot tell, which is all"),
        (
            1,
            """two trainings: a discriminator that does not learn (rate 0, a gradient cut off, far too
        small), and another, such as samples copied from the training set; one alone earns nothing""",
        ),
        (
            2,
            """two measurements: distance of samples to held-out data beside that of data to data, a
        discriminator trained anew against the fixed generator, share of modes reached, nearest
        training example (one of them: 1)""",
        ),
    ),
    "20_attention": question(
        "masked-late",
        "Masked too late",
        """Somebody writes causal attention like this: softmax over all scores, then the weights of
        later places are multiplied by 0. Every output is a sum over earlier values only, so the
        author says that nothing can leak. Show on three places what is wrong, say what it does
        to training and to writing token by token, and give a test of two lines that finds it.""",
        (
            2,
            """the scores of later places stand in the denominator, so earlier outputs depend on later
        tokens; with numbers for three places (only that rows no longer add up to 1: 1)""",
        ),
        (
            1,
            """training can use what it will not have: when writing, later scores are absent and all
        outputs differ""",
        ),
        (1, "the test: change the last token, and compare the outputs of all places before it"),
    ),
    "21_sum_mod": question(
        "two-of-sixteen",
        "Two of sixteen",
        """Sixteen digits again, but the label is the sum of the first and the last digit modulo 5;
        the fourteen in between play no part. What does the argument about information say now
        about one digit, and about two? Predict whether the small Transformer stalls as it does on
        the full sum, and plan an experiment that shows on what the length of a stall depends.""",
        (1, "one digit alone still says nothing about the label; the right pair says everything"),
        (
            1,
            """predicts a shorter stall, or none: the signal comes from two factors instead of sixteen,
        the other places only have to be ignored""",
        ),
        (
            2,
            """varies the number of digits that count at fixed length and the length at a fixed number,
        several seeds, steps until a set accuracy (only one of the two varied: 1)""",
        ),
    ),
    "22_text": question(
        "second-look",
        "The second look",
        """A model answers multiple-choice questions about biology, four answers each, from their
        text: 71 % are right, chance is 25 %. Before anybody says that it knows biology: which
        two baselines do you run, how do you find out whether the test was in the training text,
        and which new group of questions would you write? Say for each which result would
        change your mind.""",
        (
            2,
            """two baselines of this kind: the four answers without the question, the longest answer,
        shared words of question and answer; a high score speaks against knowledge (one: 1)""",
        ),
        (
            1,
            """longest copies between test and training text, beside the same number for text that cannot
        have been copied; or the score on questions written later""",
        ),
        (1, "a group with one change, such as a negation or other wording, and what is expected of it"),
    ),
    "23_frameworks": question(
        "second-digit",
        "From the sixth digit to the second",
        """You translated a convolutional network from PyTorch to a Rust framework. On the first
        batch both losses agree to six digits; after a hundred steps they differ in the second.
        In which order do you search, how do you tell rounding from a mistake, and which two
        suspects do you look at first?""",
        (
            2,
            """from one start and one order of batches: outputs layer by layer, then the gradient of
        every parameter, then one step of the optimiser (two of the three: 1)""",
        ),
        (
            1,
            """rounding shrinks in float64 and is there in all parameters; a mistake stays, and begins in
        one place""",
        ),
        (
            1,
            """two suspects that the first loss cannot show: where the optimiser adds epsilon, decay of
        weights, ties in a pool, the gradient of padding, buffers of a normalisation""",
        ),
    ),
    "24_scale": question(
        "two-machines",
        "Twice the machines",
        """A training step takes 40 ms on one machine, 30 ms of them for the gradient; exchanging the
        gradients between machines takes 12 ms. Predict the time of a step on two and on eight
        machines that share the same batch, say what changes if each keeps a whole batch of its
        own, and name two conditions under which the averaged gradient is not that of the
        whole batch.""",
        (
            2,
            """about 37 and 25.75 ms (10 + 30/n + 12), so never twice as fast; the model's assumption, an
        exchange that does not grow with n, is said (numbers alone: 1)""",
        ),
        (
            1,
            """own batches: 52 ms whatever n, more examples per second, but a larger batch, which needs
        another learning rate""",
        ),
        (
            1,
            """two of: shards of unequal size, a loss that sums, batch normalisation, dropout, a last
        batch that is not full""",
        ),
    ),
    "25_deploy": question(
        "same-model",
        "The same model elsewhere",
        """A classifier has 97.2 % in the notebook and 93 % behind the web address where it is served
        from int8 weights. Name four places on the way where this can come from, in the order in
        which you look, and give for each the comparison that clears it.""",
        (
            2,
            """four places, such as other preprocessing, other weights or layout, training mode left on,
        rounding to int8, other requests than the test set's (two or three: 1)""",
        ),
        (
            1,
            """a comparison for each on the same inputs: float model served, int8 in the notebook, stored
        inputs with stored outputs""",
        ),
        (1, "an order that halves the way, or says why it begins where it begins"),
    ),
}
