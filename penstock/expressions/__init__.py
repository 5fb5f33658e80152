"""The one small language of the spec: values made of a row's columns, read into a tree and never executed."""
