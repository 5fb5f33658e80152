"""What reading the web takes: one careful client, pages of an API, tables of a page, robots.txt."""
