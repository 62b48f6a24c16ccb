// Takes one small job through its whole life, and is killed just before its n-th SQL statement.
import { NO_SIZES } from '../../../src/core/request-sizes.ts';
import { connect, openStore } from '../../../src/store/open.ts';
import { batchOf, newShard, rowOf, SPEC, stageIdOf, tallyOf } from '../contract/fixture.ts';
import { say } from './say.ts';

const [path = '', dieAt = ''] = process.argv.slice(2);
const ACCOUNT = { baseUrl: 'https://api.anthropic.com', keyFingerprint: '0123456789abcdef' };
const FENCE = { batchIds: [], serverMs: null, workspaceId: 'w', organizationId: 'o' };
const STAMP = { serverMs: null, workspaceId: 'w', organizationId: 'o', requestId: null };
const FACTS = { bodyBytes: 9, fileSha256: 'f'.repeat(64), sizes: NO_SIZES };

const store = await openStore(path, { programVersion: '0.1.0', now: () => new Date() });
killBefore(Number(dieAt));

const job = await store.createJob({ name: 'life', spec: SPEC, at: new Date() });
const stageId = stageIdOf(job);
const whole = await store.openShard(stageId, newShard(1, 'whole'));
const clashing = rowOf(9, whole, { outputFold: 'out/row-1.md' });
await store.addRows(stageId, [rowOf(1, whole), rowOf(2, whole), clashing]);
await store.addRows(stageId, [rowOf(3, whole)]);
await store.closeShard(whole, { requests: 3, ...FACTS });
await store.finishBuild(job.id, { records: 3, contentSha256: 'c'.repeat(64), reuse: false });
say('built');
await store.requestSubmission(job.id, ACCOUNT, 'batch', new Date());
const refused = await store.startSubmission(whole, ACCOUNT, 0);
await store.seal(refused.id, { sealedMs: 1, fence: FENCE });
say('sealed');
await store.rejectSubmission(refused.id, { status: 413, requestId: null, reason: 'large', watchUntilMs: 9 });
const one = await store.openShard(stageId, newShard(2, 'one'));
const two = await store.openShard(stageId, newShard(3, 'two'));
await store.splitShard(whole, [
  { shardId: one, fromSeq: 1, toSeq: 1, requests: 1, ...FACTS },
  { shardId: two, fromSeq: 2, toSeq: 3, requests: 2, ...FACTS },
]);
const first = await store.startSubmission(one, ACCOUNT, 0);
await store.seal(first.id, { sealedMs: 1, fence: FENCE });
await store.recordBatch(first.id, batchOf('msgbatch_1', 1, 'ended'), STAMP);
say('created');
const lost = await store.startSubmission(two, ACCOUNT, 0);
await store.seal(lost.id, { sealedMs: 1, fence: FENCE });
await store.doubtSubmission(lost.id, { reason: 'no answer', status: null, requestId: null });
await store.addCandidate(lost.id, batchOf('msgbatch_2', 2));
await store.addCandidate(lost.id, batchOf('msgbatch_3', 2, 'ended'));
await store.adopt(lost.id, 'msgbatch_2', 'user');
await store.disown(lost.id, 'msgbatch_2');
await store.adopt(lost.id, 'msgbatch_3', 'nonce');
await store.recordDownload(one, { bytes: 1, sha256: 'd'.repeat(64) });
const line = { status: 'succeeded', failure: null, rawOffset: 0, rawLength: 1 } as const;
await store.applyOutcomes(one, [{ seq: 1, ...line }]);
await store.finishShard(one, 'applied', tallyOf(1));
await store.recordDownload(two, { bytes: 1, sha256: 'd'.repeat(64) });
await store.applyOutcomes(two, [{ seq: 2, ...line }]);
await store.settleRest(two, 'missing', 'missing');
await store.finishShard(two, 'applied', tallyOf(2));
await store.finishJob(job.id, 'done', new Date());
const piloted = await store.createJob({ name: 'piloted', spec: SPEC, at: new Date() });
const pilotedId = stageIdOf(piloted);
const cut = await store.openShard(pilotedId, newShard(1, 'cut'));
await store.addRows(pilotedId, [rowOf(1, cut), rowOf(2, cut)]);
await store.closeShard(cut, { requests: 2, ...FACTS });
await store.finishBuild(piloted.id, { records: 2, contentSha256: 'd'.repeat(64), reuse: false });
const pilot = await store.openShard(pilotedId, { ...newShard(2, 'pilot'), first: 'pilot' });
const rest = await store.openShard(pilotedId, newShard(3, 'rest'));
await store.carveShards(piloted.id, [
  {
    fromShardId: cut,
    first: { id: pilot, seqs: [2], requests: 1, ...FACTS },
    rest: { id: rest, requests: 1, ...FACTS },
  },
]);
say('carved');
const other = await store.createJob({ name: 'other', spec: SPEC, at: new Date() });
await store.dropJob(other.id);
store.close();
say('survived');

/** Every statement of every connection runs through these three. */
function killBefore(nth: number): void {
  const db = connect(path, { busyTimeoutMs: 0 });
  const statements: object = Object.getPrototypeOf(db.prepare('SELECT 1'));
  db.close();
  let count = 0;
  for (const name of ['run', 'get', 'all']) {
    const original: unknown = Reflect.get(statements, name);
    if (typeof original !== 'function') throw new Error(`statements have no ${name}`);
    Reflect.set(statements, name, function (this: unknown, ...args: readonly unknown[]): unknown {
      count += 1;
      if (count === nth) process.kill(process.pid, 'SIGKILL');
      return Reflect.apply(original, this, args);
    });
  }
}
