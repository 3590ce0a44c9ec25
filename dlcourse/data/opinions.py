"""Short opinions on films, all of our own: ten and 24 to train with, others to test. Chapter: 22_text.

Every word of TEST occurs in TRAIN, so that counting good and bad words is enough for it. NEGATED turns the
meaning round by a word that TRAIN never shows. REVIEWS does show negation; UNSEEN groups what is new to it.
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

# 24 more, six of them negated, and four kinds of sentence that are new to whoever was trained on them.
REVIEWS = (
    ("the film was good", 1),
    ("the plot was great", 1),
    ("a lovely story", 1),
    ("the acting was clever", 1),
    ("i loved the film", 1),
    ("a charming and funny plot", 1),
    ("i enjoyed the acting", 1),
    ("the ending was funny", 1),
    ("a great film", 1),
    ("the film was not bad", 1),
    ("the story was not boring", 1),
    ("the acting was not weak", 1),
    ("the film was bad", 0),
    ("the plot was awful", 0),
    ("a boring story", 0),
    ("the acting was silly", 0),
    ("i hated the film", 0),
    ("a dull and weak plot", 0),
    ("i disliked the acting", 0),
    ("the ending was weak", 0),
    ("a bad film", 0),
    ("the plot was not good", 0),
    ("the ending was not funny", 0),
    ("the film was not great", 0),
)
UNSEEN = {
    "recombined": (  # every word was seen, no sentence was
        ("the story was good", 1),
        ("a clever film", 1),
        ("i loved the plot", 1),
        ("the acting was lovely", 1),
        ("a funny story", 1),
        ("the story was awful", 0),
        ("a silly film", 0),
        ("i hated the plot", 0),
        ("the acting was dull", 0),
        ("a boring ending", 0),
    ),
    "neutral": (  # one word is new, and it says nothing about the verdict
        ("the soundtrack was lovely", 1),
        ("a clever sequel", 1),
        ("the dialogue was charming", 1),
        ("i loved the costumes", 1),
        ("the camera was awful", 0),
        ("a silly remake", 0),
        ("the lighting was dull", 0),
        ("i hated the costumes", 0),
    ),
    "negated": (  # "not" before a word that it never stood before
        ("the plot was not awful", 1),
        ("the film was not silly", 1),
        ("the ending was not dull", 1),
        ("the acting was not awful", 1),
        ("the acting was not lovely", 0),
        ("the film was not clever", 0),
        ("the plot was not charming", 0),
        ("the story was not lovely", 0),
    ),
    "verdict": (  # the word that decides is new
        ("the film was superb", 1),
        ("the plot was brilliant", 1),
        ("a delightful story", 1),
        ("the film was dreadful", 0),
        ("the plot was tedious", 0),
        ("a pathetic story", 0),
    ),
}
