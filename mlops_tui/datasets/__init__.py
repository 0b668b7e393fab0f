"""Tables of data from files and pipes: CSV, NDJSON and Parquet, read column by column in bounded memory."""
