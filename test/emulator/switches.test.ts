import { describe, expect, test } from 'vitest';
import { call, createBatch, emulate, readJson, requests, untilEnded } from './fixture.ts';

const PATH = '/v1/messages/batches';

interface Page {
  readonly data: readonly { readonly id: string; readonly created_at: string }[];
  readonly has_more: boolean;
}

/** An emulator with three batches, and how to read a page of its list. */
async function listed(...faults: string[]) {
  const emulator = await emulate({ faults });
  for (let made = 0; made < 3; made += 1) await createBatch(emulator);
  const page = async (query = ''): Promise<Page> =>
    (await readJson(await call(emulator, 'GET', `${PATH}${query}`))) as unknown as Page; // the emulator's own form
  return { emulator, page };
}

describe('what a client may assume of the list', () => {
  test('list-page gives short pages although more is there, and a cursor goes on from them', async () => {
    const { page } = await listed('list-page=2');
    const first = await page('?limit=100');
    expect(first.data).toHaveLength(2);
    expect(first.has_more).toBe(true);
    const rest = await page(`?limit=100&after_id=${first.data[1]?.id}`);
    expect(rest.data).toHaveLength(1);
    expect(rest.has_more).toBe(false);
    expect((await page('?limit=1')).data).toHaveLength(1);
  });

  test('list-has-more says so on the last page, after which an empty one comes', async () => {
    const { page } = await listed('list-has-more');
    const all = await page();
    expect(all.data).toHaveLength(3);
    expect(all.has_more).toBe(true);
    expect(await page(`?after_id=${all.data[2]?.id}`)).toMatchObject({ data: [], has_more: true });
  });

  test.each([
    ['400', 400],
    ['404', 404],
    ['empty', 200],
  ])('list-cursor=%s is what a cursor gives whose batch was deleted', async (answer, status) => {
    const { emulator, page } = await listed(`list-cursor=${answer}`);
    const id = (await page()).data[1]?.id ?? '';
    await untilEnded(emulator, id);
    expect((await call(emulator, 'GET', `${PATH}?after_id=${id}`)).status).toBe(200);
    expect((await call(emulator, 'DELETE', `${PATH}/${id}`)).status).toBe(200);
    const response = await call(emulator, 'GET', `${PATH}?after_id=${id}`);
    expect(response.status).toBe(status);
    if (status === 200) expect(await readJson(response)).toMatchObject({ data: [], has_more: false });
  });
});

test('not-found-now-and-then flaps: retrieve and results are 404 for some calls and good for others', async () => {
  const { emulator, page } = await listed('not-found-now-and-then=0.5');
  const id = (await page()).data[0]?.id ?? '';
  for (const path of ['', '/results']) {
    const statuses = new Set<number>();
    for (let asked = 0; asked < 40; asked += 1)
      statuses.add((await call(emulator, 'GET', `${PATH}/${id}${path}`)).status);
    expect([...statuses].sort()).toEqual([200, 404]);
  }
});

test.each([
  ['date-off=300', 300],
  ['date-off=-86400', -86_400],
])('%s: Date is off by as much from created_at', async (fault, seconds) => {
  const { emulator } = await listed(fault);
  const response = await call(emulator, 'GET', PATH);
  const newest = ((await readJson(response)) as unknown as Page).data[0]?.created_at ?? ''; // as above
  const off = (Date.parse(response.headers.get('date') ?? '') - Date.parse(newest)) / 1000;
  expect(off).toBeGreaterThan(seconds - 2);
  expect(off).toBeLessThan(seconds + 60);
});

test('odd-date is no time', async () => {
  const { emulator } = await listed('odd-date');
  const date = (await call(emulator, 'GET', PATH)).headers.get('date');
  expect(date).not.toBeNull();
  expect(Date.parse(date ?? '')).toBeNaN();
});

test('no-workspace leaves the header out of every answer', async () => {
  const { emulator } = await listed('no-workspace', 'list-other-workspace');
  for (const path of [PATH, PATH, `${PATH}/msgbatch_none`])
    expect((await call(emulator, 'GET', path)).headers.has('anthropic-workspace-id')).toBe(false);
});

test('live-counts goes with a create that is refused', async () => {
  const { emulator } = await listed('live-counts');
  await call(emulator, 'POST', '/_emulator/faults', { faults: ['live-counts', 'create-529'] });
  const body = { requests: requests(1) };
  expect((await call(emulator, 'POST', PATH, body)).status).toBe(529);
});

test.each(['date-off=soon', 'list-cursor=500', 'list-page=two'])('%s is refused', async (fault) => {
  await expect(emulate({ faults: [fault] })).rejects.toThrow(/write (date-off|list-cursor|list-page)=/);
});
