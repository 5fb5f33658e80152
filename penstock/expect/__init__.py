"""What a table must be like before anything is learned from it: the data contract, proposed, read and checked."""
