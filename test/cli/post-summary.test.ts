import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createPost } from '../../src/cli/post-summary.ts';

const never = new AbortController().signal;

interface Taken {
  readonly path: string;
  readonly method: string;
  readonly type: string;
  readonly body: string;
}

async function serve(answer: (response: ServerResponse, request: IncomingMessage) => void) {
  const taken: Taken[] = [];
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += String(chunk);
    const { url = '', method = '', headers } = request;
    taken.push({ path: url, method, type: headers['content-type'] ?? '', body });
    answer(response, request);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo; // listening on TCP
  return { url: `http://127.0.0.1:${port}/hook/secret`, taken };
}

describe('a post', () => {
  test('arrives once, as JSON', async () => {
    const { url, taken } = await serve((response) => response.writeHead(204).end());
    expect(await createPost('1')(url, '{"state":"done"}', never)).toEqual({ kind: 'taken' });
    expect(taken).toEqual([
      { path: '/hook/secret', method: 'POST', type: 'application/json', body: '{"state":"done"}' },
    ]);
  });

  test.each([
    [500, true],
    [503, true],
    [429, true],
    [408, true],
    [400, false],
    [404, false],
  ])('that is answered with %i failed; worth repeating: %s', async (status, retryable) => {
    const { url } = await serve((response) => response.writeHead(status, { 'retry-after': '2' }).end('no'));
    expect(await createPost('1')(url, '{}', never)).toEqual({
      kind: 'failed',
      why: `it answered ${status}`,
      retryable,
      retryAfterMs: 2_000,
    });
  });

  test('follows no redirect', async () => {
    const { url, taken } = await serve((response, { url: path }) =>
      path === '/elsewhere' ? response.end() : response.writeHead(307, { location: '/elsewhere' }).end(),
    );
    expect(await createPost('1')(url, '{}', never)).toMatchObject({
      kind: 'failed',
      why: expect.stringContaining('redirect'),
      retryable: false,
    });
    expect(taken.map(({ path }) => path)).toEqual(['/hook/secret']);
  });

  test('does not wait for an answer that never comes', async () => {
    const { url } = await serve(() => undefined);
    expect(await createPost('1', 50)(url, '{}', never)).toMatchObject({
      kind: 'failed',
      why: 'no answer within 0.05 s',
      retryable: true,
    });
  });

  test('does not read an answer that never ends', async () => {
    const { url } = await serve((response) => response.writeHead(200).write('x'));
    expect(await createPost('1')(url, '{}', never)).toEqual({ kind: 'taken' });
  });

  test('says why nobody is there', async () => {
    const end = await createPost('1')('http://127.0.0.1:1/', '{}', never);
    expect(end).toMatchObject({
      kind: 'failed',
      retryable: true,
      why: expect.stringMatching(/ECONNREFUSED|bad port/),
    });
  });

  test('ends with the reason of the interruption', async () => {
    const controller = new AbortController();
    const reason = new Error('stopped');
    const { url } = await serve(() => controller.abort(reason));
    await expect(createPost('1')(url, '{}', controller.signal)).rejects.toBe(reason);
  });
});
