import type { Migration } from './index.ts';

/**
 * What tells this database from a copy of it: docs/states.md, «An older database».
 *
 * - lineage is random and made once. serial counts seals; batch_requests/sent.jsonl repeats both for each seal, so that a
 *   database that was put back is behind what stands there.
 * - place is that of the database file as it was made here, or accepted by the user.
 * - accepted_bytes of that log are what the user has said to be known.
 */
export const identity: Migration = {
  number: 4,
  name: 'identity',
  sql: `
CREATE TABLE identity (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  lineage TEXT NOT NULL,
  serial INTEGER NOT NULL DEFAULT 0 CHECK (serial >= 0),
  place TEXT NOT NULL,
  accepted_bytes INTEGER NOT NULL DEFAULT 0 CHECK (accepted_bytes >= 0)
) STRICT;
INSERT INTO identity (id, lineage, place) VALUES (1, lower(hex(randomblob(16))), file_place());
`,
};
