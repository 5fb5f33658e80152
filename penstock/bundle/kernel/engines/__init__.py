"""What answers encoded rows: each sort of fitted model in its fastest form of which a row and a batch agree."""
