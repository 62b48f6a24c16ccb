import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { openStore } from '../../src/store/open.ts';
import { describeJobStore } from '../contracts/store.contract.ts';
import { makeTempDir } from '../support/temp-dir.ts';

describeJobStore('the SQLite store', async () => {
  const store = await openStore(join(makeTempDir(), '.batchctl/state.db'), {
    programVersion: '0.1.0',
    now: () => new Date(),
  });
  onTestFinished(() => store.close());
  return store;
});
