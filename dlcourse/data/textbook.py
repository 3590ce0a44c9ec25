"""Constants printed in the textbooks, quoted with their source to re-run or to compare a printed claim.

[B] is maleki2026, [P] pereira2017, whose table [B] reprints in section 1.3.
"""

import numpy as np

# [B] 5.2.6: ten triples and their largest member. Chapter: 10_backprop_max.
MAX_TRIPLES = np.array(
    [
        [3, 5, 2],
        [5, 7, 1],
        [1, 9, 4],
        [2, 3, 6],
        [4, 1, 3],
        [0, 8, 2],
        [7, 2, 1],
        [6, 3, 4],
        [5, 0, 2],
        [2, 6, 9],
    ],
    dtype=float,
)
MAX_TARGETS = np.array([5, 7, 9, 6, 4, 8, 7, 6, 5, 9], dtype=float)
MAX_TEST = np.array([0.7, 0.4, 1.0])

# [B] 7.4: the kernel that the cat detector begins with. Chapter: 16_cnn.
CAT_KERNEL = np.array([[0.1, 0.2, -0.1], [0.0, 0.1, 0.1], [-0.2, 0.0, 0.2]])

# [P] energy, time and memory relative to the best language of each column. Chapter: 01_landscape.
LANGUAGES = {
    "C": (1.00, 1.00, 1.17),
    "Rust": (1.03, 1.04, 1.54),
    "C++": (1.34, 1.56, 1.34),
    "Ada": (1.70, 1.85, 1.47),
    "Java": (1.95, 1.89, 6.01),
    "Pascal": (2.14, 3.02, 1.00),
    "Lisp": (2.27, 3.40, 1.92),
    "OCaml": (2.40, 3.09, 2.82),
    "Fortran": (2.52, 4.20, 1.24),
    "Haskell": (3.10, 3.55, 2.54),
    "C#": (3.14, 3.14, 2.58),
    "Go": (3.23, 2.83, 1.05),
    "F#": (4.13, 6.30, 4.25),
    "JavaScript": (4.45, 6.52, 4.59),
    "Racket": (7.91, 11.27, 3.52),
    "TypeScript": (21.50, 46.20, 4.69),
    "PHP": (29.30, 27.64, 2.57),
    "Ruby": (69.91, 59.34, 3.97),
    "Python": (75.88, 71.90, 2.80),
    "Perl": (79.58, 65.79, 6.62),
}

# [B] Table 4.1: seconds for the sum of the squares below a million. Chapter: 05_speed.
SUM_OF_SQUARES_SECONDS = {
    ("Rust", "serial"): 0.0145,
    ("Rust", "parallel"): 0.0019,
    ("Python", "serial"): 0.0510,
    ("Python", "parallel"): 600.0,  # printed as "> 600"
}
SUM_OF_SQUARES = 333332833333500000

# [B] 7.6 and 7.8: epoch -> (loss, share of right tokens), and the last printed predictions. Chapters: 17, 18.
RNN_LOG = {
    10: (2.2279, 0.0),
    20: (1.8359, 0.25),
    30: (1.7515, 0.375),
    40: (1.4042, 0.625),
    90: (0.7931, 1.0),
    100: (0.6308, None),
    400: (0.0250, None),
}
LSTM_LOG = {10: (1.7266, 0.375), 100: (1.3891, 1.0)}
RNN_INDICES = np.array([3, 4, 4, 2, 1, 4, 1, 2])
LSTM_INDICES = np.array([0, 1, 2, 3, 3, 3, 2, 1])

# [B] 8.3: step -> losses of (discriminator, generator), and ten samples. Chapter: 19_gan.
GAN_LOG = {100: (1.258, 1.202), 700: (1.007, 1.040), 1000: (1.362, 0.789), 2000: (1.289, 0.800)}
GAN_SAMPLES = np.array(
    [
        [-0.416, 0.173],
        [-0.323, 0.237],
        [1.351, -0.047],
        [-0.558, 0.086],
        [0.371, 0.288],
        [-0.972, 0.005],
        [0.307, 0.357],
        [-1.749, 0.895],
        [-2.599, -0.228],
        [2.095, 0.641],
    ]
)
