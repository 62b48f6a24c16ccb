import { describe, expect, test } from 'vitest';
import { FAULTS, parseFault } from '../../src/emulator/faults.ts';
import { call, createBatch, emulate, readJson, resultsById, resultText, untilEnded } from './fixture.ts';

const PATH = '/v1/messages/batches';

describe('a read is refused once, and the next one is not', () => {
  test.each([
    ['list-500', '', 500],
    ['list-forbidden', '', 403],
    ['get-500', '/{id}', 500],
    ['get-429=7', '/{id}', 429],
    ['get-404', '/{id}', 404],
    ['results-not-found', '/{id}/results', 404],
  ])('%s', async (fault, path, status) => {
    const emulator = await emulate();
    const id = await createBatch(emulator);
    await untilEnded(emulator, id);
    await call(emulator, 'POST', '/_emulator/faults', { faults: [fault] });
    const url = `${PATH}${path.replace('{id}', id)}`;
    const refused = await call(emulator, 'GET', url);
    expect(refused.status).toBe(status);
    expect(refused.headers.get('retry-after')).toBe(status === 429 ? '7' : null);
    expect(await readJson(refused)).toMatchObject({ type: 'error' });
    expect((await call(emulator, 'GET', url)).status).toBe(200);
  });
});

test('list-other-workspace answers once as another, empty workspace', async () => {
  const emulator = await emulate({ faults: ['list-other-workspace'] });
  await createBatch(emulator);
  const other = await call(emulator, 'GET', PATH);
  expect(other.headers.get('anthropic-workspace-id')).not.toBe('wrkspc_emulator');
  expect(await readJson(other)).toMatchObject({ data: [] });
  const own = await call(emulator, 'GET', PATH);
  expect(own.headers.get('anthropic-workspace-id')).toBe('wrkspc_emulator');
  expect((await readJson(own))['data']).toHaveLength(1);
});

test('not-found hides a young batch from retrieve and results for so long, and not from the list', async () => {
  const emulator = await emulate({ faults: ['not-found=200'], clockRate: 1000 });
  const id = await createBatch(emulator);
  expect((await call(emulator, 'GET', `${PATH}/${id}`)).status).toBe(404);
  expect((await call(emulator, 'GET', `${PATH}/${id}/results`)).status).toBe(404);
  expect((await readJson(await call(emulator, 'GET', PATH)))['data']).toHaveLength(1);
  await expect.poll(async () => (await call(emulator, 'GET', `${PATH}/${id}`)).status).toBe(200);
  expect((await call(emulator, 'GET', `${PATH}/${id}/results`)).status).toBe(200);
});

test('list-lag hides a young batch from the list, and not from retrieve', async () => {
  const emulator = await emulate({ faults: ['list-lag=200'], clockRate: 1000 });
  const id = await createBatch(emulator);
  expect((await readJson(await call(emulator, 'GET', PATH)))['data']).toEqual([]);
  expect((await call(emulator, 'GET', `${PATH}/${id}`)).status).toBe(200);
  await expect.poll(async () => (await readJson(await call(emulator, 'GET', PATH)))['data']).toHaveLength(1);
});

test('list-order=id sorts the list by id', async () => {
  const emulator = await emulate({ faults: ['list-order=id'] });
  const ids: string[] = [];
  for (let index = 0; index < 8; index += 1) ids.push(await createBatch(emulator));
  const list = await readJson(await call(emulator, 'GET', PATH));
  expect((list['data'] as { id: string }[]).map((batch) => batch.id)).toEqual(ids.toSorted().reverse());
});

test('no-date leaves the Date header out', async () => {
  expect((await call(await emulate({ faults: ['no-date'] }), 'GET', PATH)).headers.has('date')).toBe(false);
});

test('counts stay in processing until the end, and move before it with live-counts', async () => {
  for (const faults of [[], ['live-counts']]) {
    const emulator = await emulate({ faults, batchSeconds: 300, clockRate: 1000 });
    const id = await createBatch(
      emulator,
      Array.from({ length: 200 }, (_, index) => ({ custom_id: `r${index}`, params: {} })),
    );
    const seen = new Set<number>();
    for (let status = ''; status !== 'ended'; ) {
      const batch = await readJson(await call(emulator, 'GET', `${PATH}/${id}`));
      const counts = batch['request_counts'] as Record<string, number>;
      expect(Object.values(counts).reduce((sum, count) => sum + count)).toBe(200);
      seen.add(counts['processing'] ?? -1);
      status = String(batch['processing_status']);
    }
    if (faults.length === 0) expect([...seen]).toEqual([200, 0]);
    else expect(seen.size).toBeGreaterThan(3);
  }
});

test('odd-status shows an unknown word until the batch has ended', async () => {
  const emulator = await emulate({ faults: ['odd-status'], batchSeconds: 100, clockRate: 1000 });
  const id = await createBatch(emulator);
  const before = await readJson(await call(emulator, 'GET', `${PATH}/${id}`));
  expect(['in_progress', 'canceling', 'ended']).not.toContain(before['processing_status']);
  expect((await untilEnded(emulator, id)).processing_status).toBe('ended');
});

test('results-url names another origin', async () => {
  const emulator = await emulate({ faults: ['results-url=http://127.0.0.1:9'] });
  const id = await createBatch(emulator);
  expect((await untilEnded(emulator, id)).results_url).toBe(`http://127.0.0.1:9${PATH}/${id}/results`);
});

/** A download under this fault, and the plain one after it. */
async function download(fault: string, rows = 40): Promise<{ faulty: string | null; plain: string }> {
  const emulator = await emulate();
  const id = await createBatch(
    emulator,
    Array.from({ length: rows }, (_, index) => ({ custom_id: `r${index}`, params: {} })),
  );
  const plain = await resultText(emulator, id);
  await call(emulator, 'POST', '/_emulator/faults', { faults: [fault] });
  const faulty = await resultText(emulator, id).catch(() => null);
  expect(await resultText(emulator, id)).toBe(plain);
  return { faulty, plain };
}

const linesOf = (text: string | null) => (text ?? '').split('\n').slice(0, -1);

test('results end with a newline, have no blank line, and are the same each time', async () => {
  const { plain } = await download('results-not-found');
  expect(plain.endsWith('}\n')).toBe(true);
  expect(linesOf(plain)).toHaveLength(40);
  expect(plain).not.toContain('\n\n');
});

test.each([0, 0.5, 1])('results-cut=%d breaks the connection inside a line', async (fraction) => {
  expect((await download(`results-cut=${fraction}`)).faulty).toBeNull();
});

test.each([
  [0, 0],
  [0.5, 20],
  [1, 39],
])('results-short=%d ends cleanly after %d of 40 lines', async (fraction, count) => {
  const { faulty, plain } = await download(`results-short=${fraction}`);
  expect(linesOf(faulty)).toEqual(linesOf(plain).slice(0, count));
});

test('results-duplicate repeats some lines as they are', async () => {
  const { faulty, plain } = await download('results-duplicate');
  expect(linesOf(faulty)).toHaveLength(44);
  expect(new Set(linesOf(faulty))).toEqual(new Set(linesOf(plain)));
});

test('results-conflict has one custom_id twice, with different content', async () => {
  const { faulty, plain } = await download('results-conflict');
  const extra = linesOf(faulty).filter((line) => !linesOf(plain).includes(line));
  expect(extra).toHaveLength(1);
  expect(JSON.parse(extra[0] ?? '').custom_id).toBe(JSON.parse(linesOf(plain)[0] ?? '').custom_id);
});

test('results-unknown has one more line, of an id that was never sent', async () => {
  const { faulty, plain } = await download('results-unknown');
  expect(linesOf(faulty).slice(1)).toEqual(linesOf(plain));
  expect(JSON.parse(linesOf(faulty)[0] ?? '').custom_id).not.toMatch(/^r\d+$/);
});

test('results-blank-lines changes nothing but blank lines', async () => {
  const { faulty, plain } = await download('results-blank-lines');
  expect(linesOf(faulty).length).toBeGreaterThan(50);
  expect(linesOf(faulty).filter((line) => line !== '')).toEqual(linesOf(plain));
});

test('results-garbage has one more line, which is not JSON', async () => {
  const { faulty, plain } = await download('results-garbage');
  expect(() => JSON.parse(linesOf(faulty)[0] ?? '')).toThrow(SyntaxError);
  expect(linesOf(faulty).slice(1)).toEqual(linesOf(plain));
});

test('results-odd-type gives the first row a type that nobody knows', async () => {
  const { faulty, plain } = await download('results-odd-type');
  const [first, ...rest] = linesOf(faulty);
  expect(JSON.parse(first ?? '')).toMatchObject({ result: { type: 'deferred' } });
  expect(rest).toEqual(linesOf(plain).slice(1));
});

test.each([100, 10_000_000])(
  'results-long-line=%d makes the text of the first row that long',
  async (bytes) => {
    const { faulty, plain } = await download(`results-long-line=${bytes}`);
    const [first, ...rest] = linesOf(faulty);
    const blocks: { type: string; text?: string }[] = JSON.parse(first ?? '').result.message.content;
    expect(blocks.find((block) => block.type === 'text')?.text).toHaveLength(bytes);
    expect(rest).toEqual(linesOf(plain).slice(1));
  },
);

test('results-long-lines makes the text of every row that long', async () => {
  const { faulty, plain } = await download('results-long-lines=100000');
  const lengths = linesOf(faulty).map((line) => {
    const blocks: { type: string; text?: string }[] = JSON.parse(line).result.message.content;
    return blocks.find((block) => block.type === 'text')?.text?.length;
  });
  expect(lengths).toEqual(linesOf(plain).map(() => 100_000));
});

test('results-missing leaves the same rows out of each download, and out of no count', async () => {
  const emulator = await emulate({ faults: ['results-missing=3'] });
  const id = await createBatch(
    emulator,
    Array.from({ length: 10 }, (_, index) => ({ custom_id: `r${index}`, params: {} })),
  );
  const first = await resultsById(emulator, id);
  expect(first.size).toBe(7);
  expect(await resultsById(emulator, id)).toEqual(first);
  expect((await untilEnded(emulator, id)).request_counts.errored).toBe(10);
});

test('results-slow holds the speed', async () => {
  const emulator = await emulate({ faults: ['results-slow=20000'] });
  const id = await createBatch(
    emulator,
    Array.from({ length: 50 }, (_, index) => ({ custom_id: `r${index}`, params: {} })),
  );
  await untilEnded(emulator, id);
  const began = performance.now();
  const text = await resultText(emulator, id);
  expect(performance.now() - began).toBeGreaterThan((text.length / 20_000) * 1000 * 0.8);
});

describe('a fault in text form', () => {
  test.each([
    ['create-429=12', { name: 'create-429', value: '12', amount: 12, count: 1 }],
    ['lost-reply@3', { name: 'lost-reply', value: null, count: 3 }],
    ['create-redirect=http://u@h/p@2', { value: 'http://u@h/p', count: 2 }],
    ['rows-errored=0.25', { amount: 0.25, count: null }],
  ])('%s is read', (text, fault) => {
    expect(parseFault(text)).toMatchObject(fault);
  });

  test.each([
    ['lost-replay', 'lost-reply'],
    ['create-501', 'create-500'],
    ['row-errored=1', 'rows-errored'],
  ])('%s is unknown, and %s is near', (text, nearest) => {
    expect(() => parseFault(text)).toThrow(`unknown fault "${text}"; the nearest one is "${nearest}"`);
  });

  test.each([
    'lost-reply=1',
    'create-429',
    'rows-errored=2',
    'queue=x',
    'no-date@2',
    'list-order=size',
    'create-429=-1',
  ])('%s is refused', (text) => {
    expect(() => parseFault(text)).toThrow(`fault "${text}"`);
  });

  test('every fault has a name of its own and a summary', () => {
    expect(new Set(FAULTS.map((fault) => fault.name)).size).toBe(FAULTS.length);
    expect(FAULTS.every((fault) => fault.summary.length > 10)).toBe(true);
  });
});
