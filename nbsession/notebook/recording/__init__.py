"""What happened in a session, as plain data: facts heard, kept in a journal, a chronicle and a record; snapshots of the moment."""
