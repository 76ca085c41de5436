"""An account as the design says it should be, for the tests to hold the books against."""
