"""The read side: a selection becomes one SQL statement becomes response bytes."""
