// Applies all migrations and one more, and is killed by the SQL of that one, at the place that is asked for.
import { migrate } from '../../../src/store/migrate.ts';
import { migrations } from '../../../src/store/migrations/index.ts';
import { connect } from '../../../src/store/open.ts';

const [path = '', place] = process.argv.slice(2);
const db = connect(path, { busyTimeoutMs: 1_000 });
db.pragma('journal_mode = WAL');
db.function('die', (here: unknown) => {
  if (here === place) process.kill(process.pid, 'SIGKILL');
  return null;
});
migrate(db, { programVersion: '0.2.0', now: () => new Date(0) }, [
  ...migrations,
  {
    number: migrations.length + 1,
    name: 'one more',
    sql: `
      SELECT die('first');
      CREATE TABLE extras (id INTEGER PRIMARY KEY, note TEXT) STRICT;
      SELECT die('middle');
      INSERT INTO extras (id, note) VALUES (1, 'there');
      SELECT die('last');
    `,
  },
]);
db.close();
