import { request as openRequest } from 'node:http';
import { expect, test } from 'vitest';
import { emulate, HEADERS, requests, truth } from './fixture.ts';

const PATH = '/v1/messages/batches';

/** Sends a large body until it is answered or the connection breaks; says how far it came. */
async function upload(url: string, bytes: number): Promise<{ status: number | null; error: string | null }> {
  const body = Buffer.from(JSON.stringify({ requests: requests(20) }).padEnd(bytes));
  return new Promise((resolve) => {
    const outgoing = openRequest(`${url}${PATH}`, {
      method: 'POST',
      headers: { ...HEADERS, 'content-length': bytes },
    });
    outgoing.on('response', (response) => {
      response.on('error', () => undefined).resume();
      resolve({ status: response.statusCode ?? null, error: null });
    });
    outgoing.on('error', (error) => resolve({ status: null, error: error.message }));
    const step = 16 * 1024;
    const write = (at: number) => {
      if (at < bytes)
        outgoing.write(body.subarray(at, at + step), (error) => (error ? undefined : write(at + step)));
      else outgoing.end();
    };
    write(0);
  });
}

test.each([0, 0.5, 0.9999, 1])(
  'cut-upload=%d breaks the connection before the last byte',
  async (fraction) => {
    const emulator = await emulate({ faults: [`cut-upload=${fraction}`] });
    expect(await upload(emulator.url, 2_000_000)).toMatchObject({ status: null });
    const { batches, posts } = await truth(emulator);
    expect(batches).toEqual([]);
    expect(posts).toMatchObject([{ complete: false, status: null }]);
    expect(posts[0]?.received_bytes).toBeGreaterThanOrEqual(Math.floor(fraction * 1_999_999));
    expect((await upload(emulator.url, 2_000_000)).status).toBe(200);
  },
);

test.each([
  ['early-answer=401', 401],
  ['early-answer=529', 529],
  ['early-413', 413],
])('%s answers before the body is whole', async (fault, status) => {
  const emulator = await emulate({ faults: [fault] });
  expect(await upload(emulator.url, 8_000_000)).toEqual({ status, error: null });
  const { batches, posts } = await truth(emulator);
  expect(batches).toEqual([]);
  expect(posts).toMatchObject([{ complete: false, status }]);
  expect(posts[0]?.received_bytes).toBeLessThan(1_000_000);
});

test('limit-bytes answers 413 with HTML above it, whether the length is declared or not', async () => {
  const emulator = await emulate({ faults: ['limit-bytes=300000'] });
  expect((await upload(emulator.url, 300_000)).status).toBe(200);
  expect((await upload(emulator.url, 300_001)).status).toBe(413);
  const stream = new Blob([JSON.stringify({ requests: requests(2) }).padEnd(400_000)]).stream();
  const response = await fetch(`${emulator.url}${PATH}`, {
    method: 'POST',
    headers: HEADERS,
    body: stream,
    duplex: 'half',
  });
  expect(response.status).toBe(413);
  expect(response.headers.get('content-type')).toBe('text/html');
  expect((await truth(emulator)).batches).toHaveLength(1);
});

test('created-at=first-byte stamps the begin of an upload, last-byte its end', async () => {
  for (const meaning of ['first-byte', 'last-byte']) {
    const emulator = await emulate({ faults: [`created-at=${meaning}`], clockRate: 100_000 });
    const body = JSON.stringify({ requests: requests(1) });
    const outgoing = openRequest(`${emulator.url}${PATH}`, {
      method: 'POST',
      headers: { ...HEADERS, 'content-length': body.length },
    });
    outgoing.write(body.slice(0, 10));
    await expect.poll(async () => (await truth(emulator)).posts.length).toBe(1);
    outgoing.end(body.slice(10));
    await expect.poll(async () => (await truth(emulator)).batches.length).toBe(1);
    const { posts, batches } = await truth(emulator);
    expect(batches[0]?.created_at === posts[0]?.at).toBe(meaning === 'first-byte');
  }
});
