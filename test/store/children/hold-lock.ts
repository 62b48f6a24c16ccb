// Takes a lock and keeps it until it is killed or told to let go.
import { isLock, tryLock } from '../../../src/store/locks.ts';
import { say, waitForGo } from './say.ts';

const [path = ''] = process.argv.slice(2);
const result = tryLock(path, {
  pid: process.pid,
  command: 'batchctl submit',
  startedAt: '2026-03-01T20:15:30Z',
});
if (isLock(result)) {
  await waitForGo();
  result.release();
  say('released');
} else {
  say(`held by ${result.pid}`);
}
