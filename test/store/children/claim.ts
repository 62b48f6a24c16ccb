// Tries to claim and seal each of the shards, the moment it is told to, and says which ones it got.
import { isKnownError } from '../../../src/core/errors.ts';
import { openStore } from '../../../src/store/open.ts';
import { ACCOUNT, AT_MS, FENCE } from '../contract/fixture.ts';
import { say, waitForGo } from './say.ts';

const [path = '', ids = ''] = process.argv.slice(2);
const store = await openStore(path, { programVersion: '0.1.0', now: () => new Date() });
await waitForGo();
for (const id of ids.split(',').map(Number)) {
  try {
    const submission = await store.startSubmission(id, ACCOUNT, AT_MS);
    await store.seal(submission.id, { sealedMs: AT_MS, fence: FENCE });
    say(String(id));
  } catch (error) {
    // Another one has it.
    if (!isKnownError(error)) throw error;
  }
}
store.close();
