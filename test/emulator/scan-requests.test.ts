import { readFileSync } from 'node:fs';
import { request as openRequest } from 'node:http';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { BodySyntaxError, scanRequests } from '../../src/emulator/scan-requests.ts';
import { emulate, HEADERS, readJson, request, resultsById, truth } from './fixture.ts';

const TRICKY = [
  '{"requests":[{"custom_id":"a","params":{}}]}',
  ' \n{\t"requests" : [ {"custom_id":"a"} ,\r\n {"x":[1,[2,{"y":"]}"}]]} ] }\n',
  '{"requests":[{"text":"\\"}],[{ \\\\"},{"text":"\\\\\\""},{"\\u0022}":"größer 🎄 \u2028"}]}',
  '{"requ\\u0065sts":[{"requests":[{"requests":[]}]},{}]}',
  '{"requests":[1,"two",null,true,-3.5e+7,[],{"a":{}}]}',
  '{"requests":[]}',
];

/** What the scanner finds when the body comes in these pieces. */
function scan(pieces: readonly Uint8Array[]): unknown[] {
  const found: unknown[] = [];
  const scanner = scanRequests((bytes) => found.push(JSON.parse(bytes.toString('utf8'))));
  for (const piece of pieces) scanner.push(Buffer.from(piece));
  scanner.end();
  expect(scanner.problem()).toBeNull();
  return found;
}

describe('the scanner finds the requests wherever the body is cut', () => {
  test.each(TRICKY)('%j in two pieces, cut at each byte', (text) => {
    const body = Buffer.from(text);
    const expected: unknown = JSON.parse(text).requests;
    for (let cut = 0; cut <= body.length; cut += 1) {
      expect(scan([body.subarray(0, cut), body.subarray(cut)])).toEqual(expected);
    }
  });

  test.each(TRICKY)('%j byte by byte', (text) => {
    const body = Buffer.from(text);
    expect(scan(Array.from(body, (_, index) => body.subarray(index, index + 1)))).toEqual(
      JSON.parse(text).requests,
    );
  });

  test.each(TRICKY)('%j in three pieces, cut at any two bytes', (text) => {
    const body = Buffer.from(text);
    const expected: unknown = JSON.parse(text).requests;
    for (let first = 0; first < body.length; first += 3) {
      for (let second = first; second < body.length; second += 5) {
        const pieces = [body.subarray(0, first), body.subarray(first, second), body.subarray(second)];
        expect(scan(pieces)).toEqual(expected);
      }
    }
  });
});

test.each(TRICKY)('%j cut short anywhere is not a document', (text) => {
  const body = Buffer.from(text.trimEnd());
  for (let end = 0; end < body.length; end += 1) {
    expect(() => scan([body.subarray(0, end)])).toThrow(BodySyntaxError);
  }
});

test('bytes that are not UTF-8 are not a document', () => {
  const scanner = scanRequests(() => undefined);
  expect(() => scanner.push(Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]))).toThrow(
    BodySyntaxError,
  );
});

test('a key beside requests is named', () => {
  const scanner = scanRequests(() => undefined);
  scanner.push(Buffer.from('{"name":{"a":[1]},"requests":[{}]}'));
  scanner.end();
  expect(scanner.problem()).toBe('name: Extra inputs are not permitted');
});

/** Sends a create body in pieces; `declared` is the Content-Length, null for a chunked body. */
function send(
  url: string,
  pieces: readonly Buffer[],
  declared: number | null,
  isClosed = true,
): Promise<number | null> {
  return new Promise((resolve, reject) => {
    const length = declared === null ? {} : { 'content-length': declared };
    const outgoing = openRequest(`${url}/v1/messages/batches`, {
      method: 'POST',
      headers: { ...HEADERS, ...length },
    });
    outgoing.on('error', () => resolve(null));
    outgoing.on('response', (response) => {
      response.resume();
      response.on('end', () => resolve(response.statusCode ?? null)).on('error', reject);
    });
    const write = (index: number) => {
      const piece = pieces[index];
      if (piece !== undefined) outgoing.write(piece, () => write(index + 1));
      else if (isClosed) outgoing.end();
      else outgoing.destroy();
    };
    write(0);
  });
}

const PRETTY = JSON.stringify(
  { requests: [request('a'), request('b', { metadata: { user_id: 'x\n"}]' } }), request('c')] },
  null,
  2,
);

test('a pretty-printed body in pieces of seven bytes becomes a batch of its rows', async () => {
  const emulator = await emulate();
  const body = Buffer.from(PRETTY);
  const pieces = Array.from({ length: Math.ceil(body.length / 7) }, (_, index) =>
    body.subarray(index * 7, index * 7 + 7),
  );
  expect(await send(emulator.url, pieces, null)).toBe(200);
  const { batches } = await truth(emulator);
  const results = await resultsById(emulator, batches[0]?.id ?? '');
  expect([...results.keys()].toSorted()).toEqual(['a', 'b', 'c']);
  const stored = readFileSync(join(emulator.stateDir, 'emulator', `${batches[0]?.id}.jsonl`), 'utf8');
  const lines = stored.trimEnd().split('\n');
  expect(lines.map((line) => JSON.parse(line))).toEqual(JSON.parse(PRETTY).requests);
});

test.each([1, 2, 100])(
  'a body that lacks its last %d bytes leaves no batch, no file, and a log entry',
  async (lacking) => {
    const emulator = await emulate();
    const body = Buffer.from(PRETTY);
    expect(
      await send(emulator.url, [body.subarray(0, body.length - lacking)], body.length, false),
    ).toBeNull();
    await expect
      .poll(async () => (await truth(emulator)).posts[0]?.received_bytes)
      .toBe(body.length - lacking);
    expect(await truth(emulator)).toMatchObject({
      batches: [],
      posts: [{ content_length: body.length, complete: false, status: null, batch_id: null }],
    });
  },
);

test('a chunked body that is not closed leaves no batch, even when its JSON is', async () => {
  const emulator = await emulate();
  expect(await send(emulator.url, [Buffer.from(PRETTY)], null, false)).toBeNull();
  await expect
    .poll(async () => (await truth(emulator)).posts[0]?.received_bytes)
    .toBe(Buffer.byteLength(PRETTY));
  expect(await truth(emulator)).toMatchObject({ batches: [], posts: [{ complete: false }] });
});

test('a body whose tail is held back becomes a batch when the tail arrives', async () => {
  const emulator = await emulate();
  const body = Buffer.from(JSON.stringify({ requests: [request('a')] }));
  const outgoing = openRequest(`${emulator.url}/v1/messages/batches`, {
    method: 'POST',
    headers: { ...HEADERS, 'content-length': body.length },
  });
  outgoing.write(body.subarray(0, -2));
  await expect.poll(async () => (await truth(emulator)).posts.length).toBe(1);
  const list = await fetch(`${emulator.url}/v1/messages/batches`, { headers: HEADERS });
  expect(await readJson(list)).toMatchObject({ data: [] });
  const answered = new Promise<number>((resolve) => {
    outgoing.on('response', (response) => resolve(response.resume().statusCode ?? 0));
  });
  outgoing.end(body.subarray(-2));
  expect(await answered).toBe(200);
  expect((await truth(emulator)).batches).toHaveLength(1);
});
