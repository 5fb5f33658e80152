"""What reading JSON and XML takes: documents and lines, nested values flattened, one type a column."""
