"""A short fable of our own: too little text for a language model to learn, and enough to learn by heart.

It uses the letters of dlcourse.data.grammar only, so that a model of that text can go on with this one.
Chapter: 22_text.
"""

TOLD = """
a young crow wished to be wise. she flew to the old owl in the tower and said, teach me all that you
know. that is easy, said the owl, listen well. and he told her where the mice sleep in winter, which
berries make the belly ache, and how the wind smells before a storm. the crow said every word after him.
she said it at noon, at dusk and under the moon, until no word was missing. then she thanked the owl and
flew home, proud of her full head.

in spring the hungry birds of the valley came to her. where do the mice sleep, they asked. under the
third stone by the mill, said the crow, for so the owl had told her. but the miller had mended his wall,
and the third stone was gone. the birds found nothing and went to bed with empty bellies. which berries
are good, they asked. the red ones behind the barn, said the crow. but a late frost had been there, and
the berries were grey and sour. will there be a storm, they asked. the crow did not smell the wind. she
said what the owl had said, and the owl had said it on a quiet day in autumn. that night the storm came
and broke three nests.

the crow flew back to the tower, wet and ashamed. you taught me wrong, she cried. i have kept every
word, and every word has failed me. the owl looked at her for a long time. i gave you my words, he said,
for you asked for them. i found them by looking, and you never looked. go to the river, sit on a stone
for a day, and come back with one thing that i have not told you.

the crow sat by the river. at first she saw only water. towards evening she saw that the fish rise where
the shadow of the oak falls, and that the shadow moves. she told the owl, and the owl laughed. now you
know one thing, he said, and it is worth more than all of mine. for who learns the path by heart is lost
when the path is moved, but who learns to look will find another.
"""
FABLE = " ".join(TOLD.split())  # one line, without paragraphs
