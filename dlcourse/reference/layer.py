"""The base of every layer: parameters, gradients, training mode and state."""

from dlcourse.checks import expect_state


class Layer:
    """A function that remembers its input and can push gradients back through itself.

    `params` and `grads` map the same names to arrays of the same shapes; a layer made of layers shows
    theirs as "child.name", as torch does. `backward` overwrites `grads`: they belong to the last pass.
    """

    def __init__(self, **params):
        self._own = {"params": params, "grads": {}, "buffers": {}}
        self.training, self.cache = True, None  # cache: what forward leaves for backward

    def __call__(self, *inputs, **options):
        return self.forward(*inputs, **options)

    def __repr__(self):
        return f"{type(self).__name__}()"

    def children(self):
        return {name: value for name, value in vars(self).items() if isinstance(value, Layer)}

    def _all(self, kind):
        own, children = self._own[kind], self.children()
        if not children:
            return own  # the dict itself, so that a layer can write `self.grads["weight"] = ...`
        theirs = {f"{n}.{k}": v for n, child in children.items() for k, v in child._all(kind).items()}
        return own | theirs

    params = property(lambda self: self._all("params"))
    grads = property(lambda self: self._all("grads"))
    buffers = property(lambda self: self._all("buffers"))

    def train(self, mode=True):
        if not isinstance(mode, bool):
            raise TypeError(f"{self}: expected mode True or False, got {mode!r:.40}")
        self.training = mode
        for child in self.children().values():
            child.train(mode)
        return self

    def eval(self):
        return self.train(False)

    def recall(self):
        """Return what forward cached; RuntimeError if there was no forward pass."""
        if self.cache is None:
            raise RuntimeError(f"{self}: backward needs a forward pass first")
        return self.cache

    def state_dict(self):
        """Copies of all parameters and buffers, by torch's names."""
        return {name: array.copy() for name, array in (self.params | self.buffers).items()}

    def load_state_dict(self, state):
        """Take over arrays (or CPU tensors) and their dtype; ValueError lists every mismatch, keeping all."""
        state = expect_state(self, self.params | self.buffers, state)
        self._adopt(state, "")

    def _adopt(self, state, prefix):
        for own in (self._own["params"], self._own["buffers"]):
            own.update({name: state[prefix + name].copy() for name in own})
        for name, child in self.children().items():
            child._adopt(state, f"{prefix}{name}.")
