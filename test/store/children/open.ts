// Opens one store after the other the moment it is told to, so that several processes make each of them at once.
import { join } from 'node:path';
import { openStore } from '../../../src/store/open.ts';
import { say, waitForGo } from './say.ts';

const [folder = '', count = '1'] = process.argv.slice(2);
await waitForGo();
try {
  for (let n = 1; n <= Number(count); n += 1) {
    (
      await openStore(join(folder, `${n}/state.db`), { programVersion: '0.1.0', now: () => new Date() })
    ).close();
  }
  say('opened all');
} catch (error) {
  say(error instanceof Error ? `${error.name}: ${error.message}` : String(error));
}
