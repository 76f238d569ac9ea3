"""Pages that need no Python: the JavaScript core of the live lab, and the tables it takes from here."""
