"""Steps for the laws that all steps keep, one list a room."""
