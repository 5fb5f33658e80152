"""What answers encoded rows: each sort of fitted model in its fastest form that gives a row and a batch the same bits."""
