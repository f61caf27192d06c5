# An SQLite file of someone else is refused, by info and as images.
#exit 1
#err mask: other.db: is an SQLite file, but no region store: name another
#err mask: other.db: is an SQLite file, but no region store: name another
python3 -c 'import sqlite3; db = sqlite3.connect("other.db"); db.execute("CREATE TABLE t (x)"); db.commit()'
mask info other.db
mask encode d/full.mask other.db -o mu.npy
