import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, utimesSync, writeFileSync } from 'node:fs';
import { request as openRequest } from 'node:http';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { startEmulator } from '../../src/emulator/server.ts';
import {
  call,
  createBatch,
  emulate,
  freshFolder,
  HEADERS,
  readJson,
  request,
  requests,
  resultText,
  truth,
  untilEnded,
} from './fixture.ts';

const PATH = '/v1/messages/batches';

interface Served {
  readonly url: string;
  readonly accountId: string;
  readonly process: ChildProcess;
  close(): Promise<void>;
}

/** An emulator in a process of its own. */
async function spawnEmulator(stateDir: string, batchSeconds = 0.001): Promise<Served> {
  const child = spawn(
    process.execPath,
    [join(import.meta.dirname, 'child.ts'), stateDir, String(batchSeconds)],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  onTestFinished(() => void child.kill('SIGKILL'));
  const [line] = await once(child.stdout, 'data');
  const [url = '', accountId = ''] = String(line).trim().split(' ');
  return { url, accountId, process: child, close: () => killed(child) };
}

async function killed(child: ChildProcess): Promise<void> {
  const gone = once(child, 'exit');
  child.kill('SIGKILL');
  await gone;
}

test('a batch lives on after kill -9, with the same results, in the same account', async () => {
  const stateDir = freshFolder();
  const first = await spawnEmulator(stateDir);
  const id = await createBatch(first, requests(20));
  const text = await resultText(first, id);
  await first.close();
  const second = await emulate({ stateDir });
  expect(second.accountId).toBe(first.accountId);
  expect(await resultText(second, id)).toBe(text);
  expect((await truth(second)).posts).toHaveLength(1);
});

test('a batch goes on while no emulator runs', async () => {
  const stateDir = freshFolder();
  const first = await startEmulator({ stateDir, batchSeconds: 300, clockRate: 1000 });
  const id = await createBatch(first);
  const before = await readJson(await call(first, 'GET', `${PATH}/${id}`));
  await first.close();
  const batch = await untilEnded(await emulate({ stateDir, batchSeconds: 60 }), id);
  expect(batch.created_at).toBe(before['created_at']);
  expect(batch.request_counts.succeeded).toBe(3);
});

test('a kill -9 in the middle of an upload leaves no batch, and the next start sweeps its file', async () => {
  const stateDir = freshFolder();
  const first = await spawnEmulator(stateDir);
  const body = JSON.stringify({ requests: requests(5000) });
  const outgoing = openRequest(`${first.url}${PATH}`, {
    method: 'POST',
    headers: { ...HEADERS, 'content-length': body.length },
  });
  outgoing.on('error', () => undefined);
  outgoing.write(body.slice(0, -2));
  await expect.poll(() => readdirSync(join(stateDir, 'emulator'))).toHaveLength(1);
  await first.close();
  expect(readdirSync(join(stateDir, 'emulator'))).toHaveLength(1);
  const second = await emulate({ stateDir });
  expect(readdirSync(join(stateDir, 'emulator'))).toEqual([]);
  expect(await truth(second)).toMatchObject({
    batches: [],
    posts: [{ complete: false, status: null, batch_id: null }],
  });
});

test('the sweep leaves the upload of a living process alone, and takes old lines without a batch', async () => {
  const stateDir = freshFolder();
  await emulate({ stateDir });
  const folder = join(stateDir, 'emulator');
  const living = join(folder, `msgbatch_01a.${process.pid}.partial`);
  const young = join(folder, 'msgbatch_01b.jsonl');
  const old = join(folder, 'msgbatch_01c.jsonl');
  for (const path of [living, young, old]) writeFileSync(path, '');
  utimesSync(old, 1, 1);
  await emulate({ stateDir });
  expect([living, young, old].map((path) => existsSync(path))).toEqual([true, true, false]);
});

test('two processes on one state see the same batches, faults and clock', async () => {
  const stateDir = freshFolder();
  const child = await spawnEmulator(stateDir);
  const here = await emulate({ stateDir });
  const made = await Promise.all(
    Array.from({ length: 40 }, (_, index) => createBatch(index % 2 === 0 ? child : here)),
  );
  expect(new Set(made).size).toBe(40);
  for (const emulator of [child, here]) {
    const list = await readJson(await call(emulator, 'GET', `${PATH}?limit=1000`));
    expect((list['data'] as { id: string }[]).map((batch) => batch.id).toSorted()).toEqual(made.toSorted());
  }
  expect((await truth(here)).posts.map((post) => post.n)).toEqual(
    Array.from({ length: 40 }, (_, index) => index + 1),
  );
  const id = made[0] ?? '';
  expect(await resultText(child, id)).toBe(await resultText(here, id));

  await call(here, 'POST', '/_emulator/faults', { faults: ['create-500@5'] });
  const statuses = await Promise.all(
    Array.from({ length: 20 }, async (_, index) => {
      const emulator = index % 2 === 0 ? child : here;
      return (await call(emulator, 'POST', PATH, { requests: [request('a')] })).status;
    }),
  );
  expect(statuses.filter((status) => status === 500)).toHaveLength(5);

  const jumped = await emulate({ stateDir, clockRate: 1_000_000 });
  const start = Date.parse((await call(child, 'GET', PATH)).headers.get('date') ?? '');
  await expect
    .poll(async () => Date.parse((await call(child, 'GET', PATH)).headers.get('date') ?? '') - start)
    .toBeGreaterThan(10_000);
  expect(jumped.accountId).toBe(child.accountId);
});

test('another clock rate changes the speed of server time, and makes it jump neither back nor forth', async () => {
  const dateOf = async (emulator: { readonly url: string; readonly accountId: string }) =>
    Date.parse((await fetch(`${emulator.url}/_emulator/truth`)).headers.get('date') ?? '');
  const stateDir = freshFolder();
  const began = Date.now();
  const fast = await startEmulator({ stateDir, clockRate: 100_000 });
  await expect.poll(() => dateOf(fast)).toBeGreaterThan(began + 3_600_000);
  const before = await dateOf(fast);
  const slow = await emulate({ stateDir, clockRate: 1 });
  const elapsedMs = (Date.now() - began) * 100_000;
  await fast.close();
  const after = await dateOf(slow);
  expect(after).toBeGreaterThanOrEqual(before);
  expect(after).toBeLessThan(began + elapsedMs + 10_000);
  expect((await dateOf(await emulate({ stateDir }))) - after).toBeLessThan(10_000);
});

test('a batch that takes longer than a day expires with what it has', async () => {
  const emulator = await emulate({ batchSeconds: 2 * 86_400, clockRate: 200_000 });
  const id = await createBatch(emulator, requests(200));
  const batch = await untilEnded(emulator, id);
  expect(batch.ended_at).toBe(batch.expires_at);
  expect(batch.request_counts.expired).toBeGreaterThan(50);
  expect(batch.request_counts.succeeded).toBeGreaterThan(50);
  const text = await resultText(emulator, id);
  expect(text.split('"result":{"type":"expired"}').length - 1).toBe(batch.request_counts.expired);
});

test('results are gone 29 days after creation, and the batch is still shown', async () => {
  const emulator = await emulate({ clockRate: 10_000_000 });
  const id = await createBatch(emulator);
  await expect.poll(async () => (await untilEnded(emulator, id)).archived_at).not.toBeNull();
  const { archived_at, created_at } = await untilEnded(emulator, id);
  expect(Date.parse(archived_at ?? '') - Date.parse(created_at)).toBe(29 * 86_400_000);
  expect((await call(emulator, 'GET', `${PATH}/${id}/results`)).status).toBe(404);
});

test('results_url names the host that the request came to', async () => {
  const emulator = await emulate();
  const id = await createBatch(emulator);
  await untilEnded(emulator, id);
  const other = emulator.url.replace('127.0.0.1', 'localhost');
  const batch = await new Promise<string>((resolve, reject) => {
    const headers = { ...HEADERS, host: new URL(other).host };
    const outgoing = openRequest(`${emulator.url}${PATH}/${id}`, { headers }, async (response) => {
      resolve((await response.toArray()).join(''));
    });
    outgoing.on('error', reject).end();
  });
  expect(JSON.parse(batch).results_url).toBe(`${other}${PATH}/${id}/results`);
});

test('close does not wait for an answer that is late on purpose', async () => {
  const emulator = await emulate({ faults: ['create-slow=3600'] });
  const late = call(emulator, 'POST', PATH, { requests: requests(1) }).catch(() => 'dropped');
  await expect.poll(async () => (await truth(emulator)).batches.length).toBe(1);
  await emulator.close();
  expect(await late).toBe('dropped');
});

test('close ends hanging connections and may be called twice', async () => {
  const emulator = await emulate({ faults: ['create-hang'] });
  const hanging = call(emulator, 'POST', PATH, { requests: requests(1) }).then(
    () => 'answered',
    () => 'dropped',
  );
  await expect.poll(async () => (await truth(emulator)).batches.length).toBe(1);
  await emulator.close();
  await emulator.close();
  expect(await hanging).toBe('dropped');
});
