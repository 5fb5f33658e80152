"""Series: a regular grid for every group, what its last actual values say of a later moment, and how wide that is."""
