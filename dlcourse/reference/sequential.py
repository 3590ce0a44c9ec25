"""Layers one after another."""

from dlcourse.reference.layer import Layer


class Sequential(Layer):
    """y = f_L(… f_2(f_1(x))): forward through the layers in order, backward in reverse (the chain rule).

    Parameters are called "0.weight", "2.bias", ... after the position of their layer, as in torch.
    Chapter: 11_mlp_project.
    """

    def __init__(self, *layers):
        super().__init__()
        for position, layer in enumerate(layers):
            if not isinstance(layer, Layer):
                raise TypeError(f"Sequential: expected layers, got {type(layer)} at position {position}")
            setattr(self, str(position), layer)

    def __repr__(self):
        return f"{type(self).__name__}({', '.join(map(repr, self))})"

    def __iter__(self):
        return iter(self.children().values())

    def __len__(self):
        return len(self.children())

    def __getitem__(self, position):
        try:
            return list(self)[position]
        except (TypeError, IndexError) as error:
            got = f"expected a position below {len(self)}, got {position!r:.40}"
            raise type(error)(f"{self}: {got}") from None

    def forward(self, x):
        for layer in self:
            x = layer.forward(x)
        return x

    def backward(self, dout):
        for layer in reversed(list(self)):
            dout = layer.backward(dout)
        return dout
