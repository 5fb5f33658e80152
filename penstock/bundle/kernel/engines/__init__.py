"""What answers encoded rows: a fitted model in the form that is fastest and gives a row and a batch the same bits."""
