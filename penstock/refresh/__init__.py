"""A live model with its look-up tables read anew: same estimator, same steps, judged again, nothing trained."""
