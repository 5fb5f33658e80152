"""What reading workbooks takes: sheets, headers, merged cells, and a look before anything is opened."""
