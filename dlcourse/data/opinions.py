"""Ten short opinions on films, and six to test with: all of our own. Chapter: 22_text.

Every word of the tests occurs in training, so that counting good and bad words is enough for them. NEGATED
turns the meaning round by a word that training never shows.
"""

TRAIN = (  # text, 1 for praise
    ("a warm and clever film", 1),
    ("the story made me smile", 1),
    ("i enjoyed every minute of it", 1),
    ("bright acting and a lovely ending", 1),
    ("this film is a quiet delight", 1),
    ("a slow and clumsy film", 0),
    ("the story put me to sleep", 0),
    ("i regretted every minute of it", 0),
    ("flat acting and a silly ending", 0),
    ("this film is a noisy mess", 0),
)
TEST = (
    ("a warm and lovely film", 1),
    ("flat acting and a clumsy ending", 0),
    ("i enjoyed this bright film", 1),
    ("this film is a silly mess", 0),
    ("i regretted every slow minute", 0),
    ("this story is a quiet delight", 1),
)
NEGATED = (
    ("this film is not a delight", 0),
    ("i never enjoyed this film", 0),
    ("not a clever story", 0),
)
LONGEST = 8  # words
