import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import type { ResultsRest } from '../../src/core/ports/provider.ts';
import { batchOf } from '../store/contract/fixture.ts';
import { providerAt } from '../support/provider-at.ts';

const REST: ResultsRest = { etag: '"one"', startsAt: 1_000 };

/** One answer to every call for results, and what was asked. */
async function openAt(status: number, headers: Readonly<Record<string, string>>, rest?: ResultsRest) {
  const asked: IncomingHttpHeaders[] = [];
  const server = createServer((request, response) => {
    asked.push(request.headers);
    response.writeHead(status, headers).end('the bytes');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`; // listens on a port
  const provider = providerAt(baseUrl);
  const { signal } = new AbortController();
  return { asked, opened: provider.openResults(batchOf('msgbatch_a', 2, 'ended'), signal, rest) };
}

it('all results are asked for without a word of ranges', async () => {
  const { asked, opened } = await openAt(200, { etag: '"one"' });
  expect(await opened).toMatchObject({ startsAt: 0, etag: '"one"' });
  expect(asked).toHaveLength(1);
  expect(asked[0]?.range).toBeUndefined();
  expect(asked[0]?.['if-range']).toBeUndefined();
});

it.each([
  ['none', {}],
  ['a weak one', { etag: 'W/"one"' }],
])('the rest of a text can be asked for by a strong ETag, not by %s', async (_what, headers) => {
  expect(await (await openAt(200, headers)).opened).toMatchObject({ startsAt: 0, etag: null });
});

it('the rest is asked for by the name of the text, and begins where it was asked for', async () => {
  const { asked, opened } = await openAt(
    206,
    { etag: '"one"', 'content-range': 'bytes 1000-1008/1009' },
    REST,
  );
  expect(await opened).toMatchObject({ startsAt: 1_000, etag: '"one"' });
  expect(asked[0]).toMatchObject({ range: 'bytes=1000-', 'if-range': '"one"' });
});

it('a server that knows no ranges answers with the whole', async () => {
  expect(await (await openAt(200, {}, REST)).opened).toMatchObject({ startsAt: 0, etag: null });
});

it.each([
  ['that nobody asked for', { etag: '"one"', 'content-range': 'bytes 0-8/9' }, undefined],
  ['of another text', { etag: '"two"', 'content-range': 'bytes 1000-1008/1009' }, REST],
  ['of a text without a name', { 'content-range': 'bytes 1000-1008/1009' }, REST],
  ['that ends before the end', { etag: '"one"', 'content-range': 'bytes 1000-1008/2000' }, REST],
  ['from another place', { etag: '"one"', 'content-range': 'bytes 999-1008/1009' }, REST],
  ['from a place that it does not name', { etag: '"one"' }, REST],
  ['in several pieces', { etag: '"one"', 'content-type': 'multipart/byteranges; boundary=x' }, REST],
])('a part %s is refused', async (_what, headers, rest) => {
  await expect((await openAt(206, headers, rest)).opened).rejects.toMatchObject({
    retryable: true,
    why: 'something in between sent another part of the results than was asked for',
  });
});
