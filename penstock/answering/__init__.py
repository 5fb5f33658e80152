"""How an answer is made of what a model estimates: the label by what errors cost, the ends of an interval."""
