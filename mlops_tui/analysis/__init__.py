"""Pure numbers: columns of runs, decimation, comparison. No input or output."""
