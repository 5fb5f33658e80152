"""Signs that data are at fault or that a model learns what it cannot know: findings, some of which block a publish."""
