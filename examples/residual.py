"""A residual network on Fashion-MNIST, whose files are in a folder, or else on generated digits."""

from collections.abc import Sequence

import numpy as np
from settings import parser_of, save

from tinygrad_cnn import data, models, optim, plot, train


def main(argv: Sequence[str] | None = None) -> train.History:
    parser = parser_of(__doc__, lr=0.01, batch_size=64, out="residual.png")
    parser.add_argument("--data-dir", help="the folder of Fashion-MNIST's files; 'tinygrad-cnn datasets "
        "--fetch fashion-mnist' brings them, and says where they are")  # fmt: skip
    parser.add_argument("--epochs", type=int, default=4)
    args = parser.parse_args(argv)
    classes = tuple(map(str, range(10)))
    if args.data_dir is None:
        print("without --data-dir, digits stand in the place of Fashion-MNIST")
        digits, test = data.digits(args.samples, n_test=max(args.samples // 4, 10))
    else:
        digits, test, classes = data.read("fashion-mnist", args.data_dir)
        digits = data.Dataset(digits.images[: args.samples], digits.labels[: args.samples])

    rng = np.random.default_rng(args.seed)
    model = models.resnet8()
    params, state = model.init(rng)
    steps = args.epochs * -(-len(digits.labels) // args.batch_size)
    optimizer = optim.AdamW(params, lr=optim.OneCycle(args.lr, steps))
    trainer = train.Trainer(model, optimizer, state, rng, augment=data.Shift(2))
    history = trainer.fit(digits, epochs=args.epochs, batch_size=args.batch_size, held_out={"test": test})
    print(history)

    found = np.concatenate([model(params, trainer.state, x)[0].argmax(1) for x, _ in data.batches(test, 250)])
    save(plot.confusion_matrix(train.confusion_matrix(found, test.labels, 10), classes), args.out)
    return history


if __name__ == "__main__":
    main()
