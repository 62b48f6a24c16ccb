// Seals one submission the moment it is told to.
import { StoreError } from '../../../src/core/errors.ts';
import { openStore } from '../../../src/store/open.ts';
import { say, waitForGo } from './say.ts';

const [path = '', submissionId = ''] = process.argv.slice(2);
const store = await openStore(path, { programVersion: '0.1.0', now: () => new Date() });
const fence = { batchIds: [], serverMs: null, workspaceId: null, organizationId: null };
await waitForGo();
try {
  await store.seal(Number(submissionId), { sealedMs: 0, fence });
  say('sealed');
} catch (error) {
  say(error instanceof StoreError ? error.code : String(error));
}
store.close();
